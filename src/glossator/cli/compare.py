"""`glossator compare`: is the difference of two model folders real?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from glossator.cli.options import FLAT, LabelledOptions
from glossator.cli.screen import Screen, grid
from glossator.text.findings import count_of

if TYPE_CHECKING:
    from glossator.artifact.scoring import Comparison
    from glossator.evaluation.comparison import PairedDifference

__all__ = ["compare"]

_DEFAULTS = LabelledOptions()
_LUCK = 0.05


def compare(
    a: Path,
    b: Path,
    tables: list[str],
    /,
    *,
    options: Annotated[LabelledOptions, FLAT] = _DEFAULTS,
) -> int:
    """Say whether the difference of two model folders is real.

    Args:
        a: a model folder; the columns are by default those that it was trained on.
        b: another one.
        tables: tables of labelled rows that neither was trained on.
        options: how they are read, and where the models run.
    """
    from glossator.artifact import scoring
    from glossator.cli.loading import labelled, opened_classifier

    screen = Screen(json=options.shown.json)
    first, second = (opened_classifier(folder, options.runtime, screen) for folder in (a, b))
    items = labelled(tables, first, options)
    screen.say("answering with both")
    found = scoring.compare(first, second, items)
    screen.json(_object(found))
    _show(screen, found, str(a), str(b))
    return 0


def _object(found: Comparison) -> dict[str, Any]:
    return dataclasses.asdict(found) | {"verdict": _verdict(found, "a", "b")}


def _show(screen: Screen, found: Comparison, a: str, b: str) -> None:
    screen.line(f"A is {a}, B is {b}; {count_of(found.rows, 'row')}, {found.rejected:,} rejected")
    names = {"Accuracy": found.accuracy, "Macro F1": found.macro_f1}
    rows = [(name, *_figures(difference)) for name, difference in names.items()]
    screen.table(grid(("measure", "A", "B", "B - A", "95% interval"), rows))
    test = found.mcnemar
    screen.line(
        f"A alone is right in {count_of(test.only_a, 'row')}, B alone in {test.only_b:,}; "
        f"McNemar p = {test.p_value:.3g}"
    )
    screen.line(_verdict(found, a, b), "bold")


def _figures(x: PairedDifference) -> tuple[str, ...]:
    between = f"{x.low * 100:+.1f} to {x.high * 100:+.1f}"
    return f"{x.a:.1%}", f"{x.b:.1%}", f"{x.difference * 100:+.1f}", between


def _verdict(found: Comparison, a: str, b: str) -> str:
    """One sentence; McNemar's exact test on the accuracy decides."""
    if not found.mcnemar.only_a + found.mcnemar.only_b:
        return "Both are right in the same rows: there is no difference to speak of."
    if found.mcnemar.p_value >= _LUCK:
        return f"The difference may be luck: {count_of(found.rows, 'row')} do not tell them apart."
    better, worse = (b, a) if found.accuracy.difference > 0 else (a, b)
    return f"The difference is real: {better} is better than {worse}."
