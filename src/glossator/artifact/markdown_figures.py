"""The figures of a task in Markdown: what of them a model card can show.

A quote is a text of the data and is never shown, and a picture cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from glossator.artifact.escaping import markdown_text, shortened
from glossator.artifact.heatmap import confused_pairs
from glossator.artifact.wording import cell, measure, with_value
from glossator.evaluation.figures import (
    Figure,
    Matrix,
    Pair,
    ReliabilityDiagram,
    Section,
    Table,
    Tiles,
)

__all__ = ["line", "section_text", "table"]

_ROWS = 10  # of a table
_NAME = 80


def section_text(section: Section) -> str:
    """What of a section can be said in Markdown; empty where that is nothing."""
    notes = (markdown_text(note) for note in section.notes)
    parts = [*notes, *(part for figure in section.figures for part in _figure(figure))]
    return "\n\n".join([f"### {line(section.title)}", *parts]) if parts else ""


def _figure(figure: Figure) -> Iterator[str]:
    if isinstance(figure, Table):
        yield from _table(figure)
    elif isinstance(figure, Matrix):
        yield from _pairs(figure)
    elif isinstance(figure, Tiles):
        shown = with_value(figure.measures, figure.scores)
        yield table([line(m.title) for m in shown], [[measure(figure.scores, m) for m in shown]])
    elif isinstance(figure, ReliabilityDiagram):
        yield f"{line(figure.title)}: expected calibration error {figure.reliability.ece:.1%}."
    elif isinstance(figure, Pair):
        yield from (part for each in (figure.left, figure.right) for part in _figure(each))


def _table(figure: Table) -> Iterator[str]:
    if figure.title:
        yield f"#### {line(figure.title)}"
    yield table(
        [line(column.title) for column in figure.columns],
        (
            [line(cell(x, column)) for x, column in zip(row, figure.columns, strict=True)]
            for row in figure.rows[:_ROWS]
        ),
    )
    more = len(figure.rows) - _ROWS
    if more > 0:
        yield f"And {more:,} more {figure.noun}."


def _pairs(matrix: Matrix) -> Iterator[str]:
    pairs = confused_pairs(matrix.counts, matrix.names, most=_ROWS)
    if pairs:
        yield "#### Most often confused"
        yield table(
            ("It was", "The answer was", "Rows", "Share"),
            ((line(p.gold), line(p.predicted), f"{p.count:,}", f"{p.share:.0%}") for p in pairs),
        )


def line(text: str) -> str:
    """A name in one line that Markdown shows as it is, shortened."""
    return markdown_text(shortened(text, _NAME))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
