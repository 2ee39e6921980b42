"""README.md of a model folder: the model card (Mitchell et al., "Model Cards", 2019).

It travels with the model, so it says how many rows there were and how they are told apart, and
holds no text of the data: quotes are the one figure that it leaves out. Its front matter is what
the Hugging Face hub reads.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from glossator.artifact.escaping import markdown_text, shortened, visible, yaml_string
from glossator.artifact.heatmap import confused_pairs
from glossator.artifact.report_parts import Report
from glossator.artifact.wording import cell, interval, measure, with_value
from glossator.evaluation.figures import (
    Figure,
    Matrix,
    Measure,
    Pair,
    ReliabilityDiagram,
    Section,
    Table,
    Tiles,
)

__all__ = ["model_card"]

_ROWS = 10  # of a table
_NAME = 80


def model_card(report: Report) -> str:
    """The card of a run, in Markdown with YAML front matter.

    Args:
        report: its quotes, findings and command are not used.
    """
    parts = [
        _front_matter(report),
        _introduction(report),
        _scores(report),
        *(_section(section) for section in report.sections),
        _confidence(report),
        _data(report),
        _limits(report),
        _use(report),
    ]
    return visible("\n".join(f"{part}\n" for part in parts if part))


def _front_matter(report: Report) -> str:
    words = report.words
    known = [m for m in with_value(report.measures, report.metrics) if m.hub]
    lines = [
        "---",
        "library_name: transformers",
        *([f"pipeline_tag: {yaml_string(words.pipeline)}"] if words.pipeline else ()),
        "tags:",
        "- glossator",
        f"- {yaml_string(report.task)}",
        *(_model_index(report, known) if known else ()),
        *_listed("labels", (yaml_string(name) for name in words.labels)),
        "---",
    ]
    return "\n".join(lines)


def _model_index(report: Report, known: Sequence[Measure]) -> list[str]:
    """The scores that the hub has a name for."""
    values = [
        f"{{type: {m.hub}, name: {yaml_string(m.title)}, value: {report.metrics[m.name]:.6f}}}"
        for m in known
    ]
    return [
        *_listed("metrics", [m.hub for m in known]),
        "model-index:",
        f"- name: {yaml_string(report.name)}",
        "  results:",
        f"  - task: {{type: {yaml_string(report.words.pipeline or report.task)}}}",
        f"    dataset: {{name: {yaml_string(f'{report.split} rows')}, type: private}}",
        *_listed("    metrics", values),
    ]


def _listed(key: str, values: Iterable[str]) -> list[str]:
    """A YAML list under `key`, which may be indented; an empty one is left out."""
    indent = " " * (len(key) - len(key.lstrip()))
    lines = [f"{indent}- {value}" for value in values]
    return [f"{key}:", *lines] if lines else []


def _introduction(report: Report) -> str:
    unfinished = "" if report.learning.finished else "\n\n**The run was interrupted.**"
    return (
        f"# {_line(report.name)}\n\n"
        f"{markdown_text(report.words.does)} "
        f"Fine-tuned with Glossator from {_line(report.base_model)} on {report.rows.train:,} rows, "
        f"{_line(report.created)}.{unfinished}\n\n"
        "## Intended use\n\n"
        "For texts of the kind that it was trained on, in the same language and from the same "
        f"source. {markdown_text(report.words.caution)} Decisions about people need a person."
    )


def _scores(report: Report) -> str:
    kind = "had no part in any choice" if report.split == "test" else "also chose the best step"
    table = _table(
        ("Measure", report.split.capitalize(), "95% interval"),
        (
            (_line(m.title), measure(report.metrics, m), interval(report.metrics, m) or "–")
            for m in report.measures
            if m.name in report.metrics
        ),
    )
    return f"## Scores\n\nOn {report.scored:,} {report.split} rows, which {kind}.\n\n{table}"


def _section(section: Section) -> str:
    """What of a section can be said in Markdown; empty where that is nothing."""
    notes = (markdown_text(note) for note in section.notes)
    parts = [*notes, *(part for figure in section.figures for part in _figure(figure))]
    return "\n\n".join([f"### {_line(section.title)}", *parts]) if parts else ""


def _figure(figure: Figure) -> Iterator[str]:
    if isinstance(figure, Table):
        yield from _figures_table(figure)
    elif isinstance(figure, Matrix):
        yield from _pairs(figure)
    elif isinstance(figure, Tiles):
        shown = with_value(figure.measures, figure.scores)
        yield _table([_line(m.title) for m in shown], [[measure(figure.scores, m) for m in shown]])
    elif isinstance(figure, ReliabilityDiagram):
        yield f"{_line(figure.title)}: expected calibration error {figure.reliability.ece:.1%}."
    elif isinstance(figure, Pair):
        yield from (part for each in (figure.left, figure.right) for part in _figure(each))


def _figures_table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"#### {_line(table.title)}"
    yield _table(
        [_line(column.title) for column in table.columns],
        (
            [_line(cell(x, column)) for x, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:_ROWS]
        ),
    )
    more = len(table.rows) - _ROWS
    if more > 0:
        yield f"And {more:,} more {table.noun}."


def _pairs(matrix: Matrix) -> Iterator[str]:
    pairs = confused_pairs(matrix.counts, matrix.names, most=_ROWS)
    if pairs:
        yield "#### Most often confused"
        yield _table(
            ("It was", "The answer was", "Rows", "Share"),
            ((_line(p.gold), _line(p.predicted), f"{p.count:,}", f"{p.share:.0%}") for p in pairs),
        )


def _confidence(report: Report) -> str:
    sentences = " ".join(markdown_text(sentence) for sentence in report.words.decided)
    return f"## Confidence\n\n{sentences}" if sentences else ""


def _data(report: Report) -> str:
    rows = report.rows
    counts = (
        f"{rows.read:,} rows were read and {rows.rejected:,} rejected; {rows.train:,} were for "
        f"training, {rows.dev:,} for dev and {rows.test:,} for test."
    )
    table = _table(
        ("File", "Rows", "SHA-256"),
        ((_line(file.name), f"{file.rows:,}", f"`{file.sha256}`") for file in report.files),
    )
    return f"## Data\n\n{counts} No text of it is in this folder.\n\n{table}"


def _limits(report: Report) -> str:
    lengths = report.lengths
    long = (
        f"\n- It reads {lengths.limit:,} tokens at once. Glossator reads a longer text in "
        "overlapping windows; transformers cuts it off."
        if lengths is not None
        else ""
    )
    return (
        "## Limits\n\n"
        "- The scores hold for rows drawn like these. Other sources, times and languages may "
        "score lower.\n"
        "- What is unfair or wrong in the training rows was learned with them."
        f"{long}"
    )


def _use(report: Report) -> str:
    words, name = report.words, repr(report.name)
    folder = shlex.quote(shortened(report.name, 200))
    elsewhere = f" {markdown_text(words.elsewhere)}" if words.elsewhere else ""
    command = (
        f"echo {shlex.quote(words.command_input)} | "
        f"glossator predict {folder} - --format {words.command_format}\n"
        f"glossator predict {folder} new.csv --output answers.jsonl"
    )
    python = (
        f"import glossator\n\nmodel = glossator.load({name})\nmodel.predict([{words.python_input}])"
    )
    transformers = (
        f"from transformers import {words.opens_as}, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({name})\n"
        f"model = {words.opens_as}.from_pretrained({name})"
    )
    return (
        f"## How to use it\n\n{_fenced('sh', command)}\n\n{_fenced('python', python)}\n\n"
        f"In transformers:{elsewhere}\n\n{_fenced('python', transformers)}"
    )


def _fenced(language: str, code: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"


def _line(text: str) -> str:
    return markdown_text(shortened(text, _NAME))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
