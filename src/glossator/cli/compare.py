"""`glossator compare`: is the difference of two model folders real?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, ScoringOptions
from glossator.cli.screen import Screen, grid
from glossator.cli.task_options import told
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glossator.artifact.scoring import Comparison
    from glossator.evaluation.comparison import PairedDifference
    from glossator.evaluation.figures import Measure

__all__ = ["compare"]

_DEFAULTS = ScoringOptions()
_LUCK = 0.05


def compare(
    a: Path,
    b: Path,
    tables: list[str],
    /,
    *,
    options: Annotated[ScoringOptions, FLAT] = _DEFAULTS,
) -> int:
    """Say whether the difference of two model folders is real.

    Args:
        a: a model folder; the columns are by default those that it was trained on.
        b: another one.
        tables: tables with the right answers that neither was trained on.
        options: how they are read, and where the models run.
    """
    from glossator.artifact import scoring
    from glossator.artifact.opening import opened_asks
    from glossator.cli.loading import opened, prepared, read_rows

    screen = Screen(json=options.shown.json)
    models = [opened(x, options.runtime, screen, options.task) for x in (a, b)]
    first = models[0]
    typed, wishes = told(first.task.name, options.columns, options.asks)
    asks = opened_asks(first.task.name, wishes, options.runtime, typed)
    models, items = read_rows(tables, models, typed, asks, options, screen)
    first, second = models
    for model in models:
        prepared(model, asks, screen)
    screen.say("answering with both")
    found = scoring.compare(first, second, items, **asks)
    screen.json(_object(found))
    _show(screen, found, first.task.measures, str(a), str(b))
    return 0


def _object(found: Comparison) -> dict[str, Any]:
    differences = {x.metric: dataclasses.asdict(x) for x in found.paired.differences}
    counts = {"rows": found.rows, "rejected": found.rejected}
    return {**counts, **differences, **found.paired.tests, "verdict": _verdict(found, "a", "b")}


def _show(screen: Screen, found: Comparison, measures: Sequence[Measure], a: str, b: str) -> None:
    screen.line(f"A is {a}, B is {b}; {count_of(found.rows, 'row')}, {found.rejected:,} rejected")
    named = {measure.name: measure for measure in measures}
    rows = [_figures(x, named[x.metric]) for x in found.paired.differences]
    screen.table(grid(("measure", "A", "B", "B - A", "95% interval"), rows))
    screen.line(f"The chance of such a difference by luck: p = {found.paired.p_value:.3g}")
    screen.line(_verdict(found, a, b), "bold")


def _figures(x: PairedDifference, measure: Measure) -> tuple[str, ...]:
    share = measure.unit == "share"
    scale, digits = (100, 1) if share else (1, 3)
    low, difference, high = (f"{scale * v:+.{digits}f}" for v in (x.low, x.difference, x.high))
    a, b = (f"{v:.1%}" if share else f"{v:.3f}" for v in (x.a, x.b))
    return measure.title, a, b, difference, f"{low} to {high}"


def _verdict(found: Comparison, a: str, b: str) -> str:
    """One sentence."""
    paired = found.paired
    if paired.same:
        return "Both answer alike where it counts: there is no difference to speak of."
    if paired.p_value >= _LUCK:
        return f"The difference may be luck: {count_of(found.rows, 'row')} do not tell them apart."
    better, worse = (b, a) if paired.b_is_better else (a, b)
    return f"The difference is real: {better} is better than {worse}."
