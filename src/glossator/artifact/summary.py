"""A model in one line, and in a small table for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from glossator.artifact.escaping import shortened
from glossator.artifact.folder import Details
from glossator.artifact.wording import interval, measure, with_value
from glossator.evaluation.figures import Measure
from glossator.tasks.task import Probabilities, Task
from glossator.text.findings import count_of

__all__ = ["as_html", "as_line"]

_SHOWN = 3  # labels
_LONG = 30  # characters of one
_SPLITS = {"test": "test rows", "dev": "dev rows"}


def as_line(task: Task, details: Details) -> str:
    """What the model does, its labels, what it was made of, and its first score."""
    parts = list(_parts(task, details))
    scored = next(_scored(task.measures, details.metrics), None)
    if scored:
        split, measures = scored
        scores = details.metrics[split]
        parts.append(f"{measures[0].title} {measure(scores, measures[0])} on {_SPLITS[split]}")
    return f"<Predictor {'; '.join(parts)}>"


def as_html(task: Task, details: Details) -> str:
    """The same with all scores, escaped; no text of a row is in it."""
    lines = [f"<p><b>Predictor</b> {html.escape('; '.join(_parts(task, details)))}</p>"]
    for split, measures in _scored(task.measures, details.metrics):
        scores = details.metrics[split]
        lines.append(
            f"<table><thead><tr><th>{_SPLITS[split]}</th><th></th><th>95%</th></tr></thead>"
        )
        for each in measures:
            cells = (each.title, measure(scores, each), interval(scores, each))
            lines.append(f"<tr>{''.join(f'<td>{html.escape(x)}</td>' for x in cells)}</tr>")
        lines.append("</table>")
    return "\n".join(lines)


def _parts(task: Task, details: Details) -> Iterator[str]:
    yield task.name
    labels = _labels(task)
    if labels:
        shown = ", ".join(_short(label) for label in labels[:_SHOWN])
        more = ", …" if len(labels) > _SHOWN else ""
        yield f"{count_of(len(labels), 'class')}: {shown}{more}"
    if details.base_model:
        yield f"from {_short(details.base_model)}"
    if details.refit and details.refit.rows:
        yield f"refitted on {count_of(details.refit.rows, 'row')} after it was scored"
    if details.unfinished:
        yield details.unfinished


def _labels(task: Task) -> Sequence[str]:
    return task.classes if isinstance(task, Probabilities) else task.words().labels


def _scored(
    measures: Sequence[Measure], metrics: Mapping[str, Any]
) -> Iterator[tuple[str, list[Measure]]]:
    """The parts of the data with scores, and the measures that have one there."""
    for split in _SPLITS:
        found = with_value(measures, metrics.get(split) or {})
        if found:
            yield split, found


def _short(text: str) -> str:
    """In one line, and without what turns or hides the text beside it."""
    return shortened("".join(x if x.isprintable() else "\ufffd" for x in text), _LONG)
