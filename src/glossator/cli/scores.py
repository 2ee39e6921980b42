"""Scores and figures in words and tables, the same for every verb that has some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from glossator.artifact.wording import cell, interval, measure, with_value
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen, grid
from glossator.evaluation.figures import (
    Column,
    Figure,
    Mark,
    Measure,
    Pair,
    Quote,
    Quotes,
    Section,
    Table,
    Tiles,
)

__all__ = ["pretraining_scores", "show_measures", "show_sections"]

_ROWS = 10  # of a table
_QUOTES = 5
_NAME = 40
_TEXT = 88


def show_measures(screen: Screen, measures: Sequence[Measure], scores: Mapping[str, Any]) -> None:
    """Every measure with its 95 percent interval."""
    rows = [
        (m.title, measure(scores, m), interval(scores, m)) for m in with_value(measures, scores)
    ]
    screen.table(grid(("measure", "value", "95% interval"), rows))


def show_sections(screen: Screen, sections: Sequence[Section]) -> None:
    """What of a task's figures a terminal can show: the first rows of tables, a few quotes."""
    for section in sections:
        for figure in section.figures:
            _show(screen, figure, section.title)
        for note in section.notes:
            screen.line(f"! {note}", "yellow")


def _show(screen: Screen, figure: Figure, section: str) -> None:
    if isinstance(figure, Table):
        _table(screen, figure, section)
    elif isinstance(figure, Quotes):
        _quotes(screen, figure, section)
    elif isinstance(figure, Tiles):
        screen.title(section)
        show_measures(screen, figure.measures, figure.scores)
    elif isinstance(figure, Pair):
        _show(screen, figure.left, section)
        _show(screen, figure.right, section)


def _table(screen: Screen, table: Table, section: str) -> None:
    more = len(table.rows) > _ROWS
    count = f" ({_ROWS} of {len(table.rows):,} {table.noun})" if more else ""
    screen.title(f"{table.title or section}{count}")
    names = [shortened(column.title, _NAME) for column in table.columns]
    leading = len(list(takewhile(lambda column: column.kind == "text", table.columns)))
    rows = [
        [_cell(x, column) for x, column in zip(row, table.columns, strict=True)]
        for row in table.rows[:_ROWS]
    ]
    screen.table(grid(names, rows, text=leading))


def _cell(value: str | int | float | None, column: Column) -> str:
    return shortened(cell(value, column), _NAME)


def _quotes(screen: Screen, quotes: Quotes, section: str) -> None:
    screen.title(quotes.title or section)
    if not quotes.quotes:
        screen.line(f"  {quotes.none}")
    for quote in quotes.quotes[:_QUOTES]:
        screen.line(f"  {_answer(quote)}")
        screen.line(f"    {shortened(quote.text, _TEXT)}", "dim")
        mistakes = [mark for mark in quote.marks if mark.kind != "right"]
        for mark in mistakes[:_QUOTES]:
            screen.line(f"    {_mark(mark, quote.text)}")


def _answer(quote: Quote) -> str:
    """`yes (98% sure; wrong: it is no), test.csv:7`, as far as the quote says it."""
    place = quote.source if quote.line is None else f"{quote.source}:{quote.line}"
    said = [] if quote.score is None else [f"{quote.score:.0%} sure"]
    if quote.answer == quote.gold != "":
        said.append("right")
    elif quote.gold:
        said.append(f"wrong: it is {shortened(quote.gold, _NAME)}")
    elif quote.answer:
        said.append("wrong: it is nothing")
    answer = shortened(quote.answer, _NAME) or ("nothing" if quote.gold else "")
    verdict = f"({'; '.join(said)})" if said else ""
    return ", ".join(part for part in (f"{answer} {verdict}".strip(), place) if part)


def _mark(mark: Mark, text: str) -> str:
    marked = shortened(text[mark.start : mark.end], _NAME)
    return f"{mark.kind}: {shortened(mark.label, _NAME)} \u201c{marked}\u201d"


def pretraining_scores(scores: Mapping[str, Any]) -> str:
    """Those of a pretraining objective, in words."""
    parts = [f"loss {scores['loss']:.3f}"]
    if "f1" in scores:
        what = "pairs" if "masked_accuracy" in scores else "tokens"
        parts.append(f"{scores['accuracy']:.1%} of {what} judged right, F1 {scores['f1']:.3f}")
    if "masked_accuracy" in scores:
        parts.append(f"{scores['masked_accuracy']:.1%} of hidden tokens right")
    if "pseudo_perplexity" in scores:
        parts.append(f"pseudo-perplexity {scores['pseudo_perplexity']:.1f}")
    if "bits_per_byte" in scores:
        parts.append(f"perplexity {scores['perplexity']:.1f}")
        parts.append(f"{scores['bits_per_byte']:.3f} bits a byte")
    return ", ".join(parts)
