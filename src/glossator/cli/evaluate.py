"""`glossator evaluate`: a model folder held against rows with the right answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, ScoringOptions
from glossator.cli.screen import Screen
from glossator.cli.task_options import told
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.artifact.scoring import ScoredTable

__all__ = ["evaluate"]

_DEFAULTS = ScoringOptions()
_SHOWN = 5


def evaluate(
    model: Path,
    tables: list[str],
    /,
    *,
    options: Annotated[ScoringOptions, FLAT] = _DEFAULTS,
) -> int:
    """Score a model folder on rows with the right answers.

    Args:
        model: the model folder, or a starter.
        tables: tables with the right answers.
        options: how they are read, and where the model runs.
    """
    from glossator.artifact import scoring
    from glossator.artifact.opening import opened_asks
    from glossator.cli.loading import opened, prepared, read_rows
    from glossator.cli.progress import meter

    screen = Screen(json=options.shown.json)
    predictor = opened(model, options.runtime, screen, options.task)
    typed, wishes = told(predictor.task.name, options.columns, options.asks)
    asks = opened_asks(predictor.task.name, wishes, options.runtime, typed)
    (predictor,), items = read_rows(tables, [predictor], typed, asks, options, screen)
    prepared(predictor, asks, screen)
    with meter(screen, "scoring", None) as progress:
        scored = scoring.evaluate(predictor, items, progress=progress.add, **asks)
    screen.json(_object(predictor.task.name, scored))
    _show(screen, scored)
    return 0


def _object(task: str, scored: ScoredTable) -> dict[str, Any]:
    rows = {"read": scored.read, "used": scored.used, "rejected": scored.rejected}
    found = {"task": task, "rows": rows, "metrics": scored.metrics}
    remarks = [finding.to_json() for finding in scored.scores.remarks()]
    return found | ({"findings": remarks} if remarks else {})


def _show(screen: Screen, scored: ScoredTable) -> None:
    from glossator.cli.scores import show_measures, show_sections

    for rejection in scored.rejections[:_SHOWN]:
        place = f"{rejection.source}:{rejection.line}"
        screen.say(f"! {place}: {rejection.message}: rejected", "yellow")
    screen.findings(scored.scores.remarks())
    show_sections(screen, scored.scores.sections("scored"))
    screen.title(f"Scores on {count_of(scored.used, 'row')}, {scored.rejected:,} rejected")
    show_measures(screen, scored.measures, scored.metrics)
