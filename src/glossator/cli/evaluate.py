"""`glossator evaluate`: a model folder held against labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, LabelledOptions
from glossator.cli.screen import Screen
from glossator.text.findings import count_of, quoted

if TYPE_CHECKING:
    from glossator.artifact.scoring import ScoredTable

__all__ = ["evaluate"]

_DEFAULTS = LabelledOptions()
_SHOWN = 5


def evaluate(
    model: Path,
    tables: list[str],
    /,
    *,
    options: Annotated[LabelledOptions, FLAT] = _DEFAULTS,
) -> int:
    """Score a model folder on labelled rows.

    Args:
        model: the model folder.
        tables: tables of labelled rows.
        options: how they are read, and where the model runs.
    """
    from glossator.artifact import scoring
    from glossator.cli.loading import labelled, opened_classifier
    from glossator.cli.progress import meter

    screen = Screen(json=options.shown.json)
    predictor = opened_classifier(model, options.runtime, screen)
    items = labelled(tables, predictor, options)
    with meter(screen, "scoring", None) as progress:
        scored = scoring.evaluate(predictor, items, progress=progress.add)
    screen.json(_object(predictor.task.name, scored))
    _show(screen, scored)
    return 0


def _object(task: str, scored: ScoredTable) -> dict[str, Any]:
    rows = {"read": scored.read, "used": scored.used, "rejected": scored.rejected}
    found = {"task": task, "rows": rows, "metrics": scored.metrics}
    return found | ({"unknown_labels": dict(scored.unknown)} if scored.unknown else {})


def _show(screen: Screen, scored: ScoredTable) -> None:
    from glossator.cli.scores import show_measures, show_sections
    from glossator.tasks.classification_figures import MEASURES, sections

    for rejection in scored.rejections[:_SHOWN]:
        place = f"{rejection.source}:{rejection.line}"
        screen.say(f"! {place}: {rejection.message}: rejected", "yellow")
    if scored.unknown:
        rows = count_of(scored.unknown.total(), "row")
        message = f"{rows} with a label that the model does not have, counted as wrong"
        screen.say(f"! {message}: {_unknown(scored)}", "yellow")
    show_sections(screen, sections(scored.scores, split="scored"))
    screen.title(f"Scores on {count_of(scored.used, 'row')}, {scored.rejected:,} rejected")
    show_measures(screen, MEASURES, scored.metrics)


def _unknown(scored: ScoredTable) -> str:
    most = scored.unknown.most_common(_SHOWN)
    names = ", ".join(f"{quoted(name)} ({count:,})" for name, count in most)
    more = len(scored.unknown) - len(most)
    return f"{names} and {more:,} more" if more > 0 else names
