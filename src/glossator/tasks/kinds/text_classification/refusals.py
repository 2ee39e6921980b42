"""How good it is to say nothing: texts out of scope, and sets that hold no single label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.conformal import CoverageCounts, prediction_sets
from glossator.evaluation.figures import Column, Curve, Line, Section, Table
from glossator.evaluation.proportions import unless_degenerate, wilson_interval
from glossator.evaluation.ranking import roc_auc, roc_auc_interval

__all__ = ["Refusals", "ScopeScores", "SetScores"]

_POINTS = 200  # of a curve


class Refusals(Protocol):
    """Adds up one kind of saying nothing."""

    def add(
        self,
        chances: NDArray[np.float64],
        gold: NDArray[np.int64],
        outside: NDArray[np.bool_],
        numbers: NDArray[np.float64],
    ) -> None:
        """Take in rows.

        Args:
            chances: (n, C) probabilities.
            gold: (n,) classes; -1 for those unknown or out of scope.
            outside: (n,) whether a row is out of scope by its label.
            numbers: (n,) how strange each is to the rule; 0 where there is none.
        """

    def result(self) -> dict[str, Any]:
        """The scores so far."""

    def section(self, split: str) -> Section:
        """What a report shows of rows of `split`."""


class ScopeScores:
    """How well a rule tells rows that belong to no class; 9 bytes a row.

    Args:
        rule: its name.
        cut: the number above which a row is out of scope.
        told_by: AUROC of each rule on the dev rows.
        intervals: whether `result` holds intervals.
    """

    def __init__(self, rule: str, cut: float, told_by: Mapping[str, float], *, intervals: bool):
        self._rule, self._cut, self._told_by, self._intervals = rule, cut, told_by, intervals
        self._numbers: list[NDArray[np.float64]] = []
        self._outside: list[NDArray[np.bool_]] = []

    def add(
        self,
        chances: NDArray[np.float64],
        gold: NDArray[np.int64],
        outside: NDArray[np.bool_],
        numbers: NDArray[np.float64],
    ) -> None:
        """See `Refusals`."""
        self._numbers.append(numbers)
        self._outside.append(outside)

    def result(self) -> dict[str, Any]:
        """`oos_auroc`, `oos_recall`, `in_scope_kept`: None where no row tells."""
        numbers, outside = self._all()
        found = numbers > self._cut
        recall = _share(found[outside])
        kept = _share(~found[~outside])
        result: dict[str, Any] = {
            "oos_auroc": roc_auc(numbers, outside),
            "oos_recall": recall,
            "in_scope_kept": kept,
        }
        if self._intervals:
            area = roc_auc_interval(numbers, outside)
            few = min(int(outside.sum()), int((~outside).sum()))
            result |= {
                "oos_auroc_ci": None if area is None else unless_degenerate(area, few),
                "oos_recall_ci": _limits(recall, outside.sum()),
                "in_scope_kept_ci": _limits(kept, (~outside).sum()),
            }
        return result

    def _all(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        none: tuple[Any, Any] = (np.zeros(0), np.zeros(0, np.bool_))
        return np.concatenate([none[0], *self._numbers]), np.concatenate([none[1], *self._outside])

    def section(self, split: str) -> Section:
        """See `Refusals`."""
        columns = (Column("Rule", "text"), Column("AUROC on dev", "bar"))
        order = sorted(self._told_by.items(), key=lambda x: -x[1])
        rows = [(f"{name} (used)" if name == self._rule else name, x) for name, x in order]
        figures: list[Table | Curve] = [Table("Rules", columns, rows, noun="rules")]
        numbers, outside = self._all()
        notes = []
        if outside.any() and not outside.all():
            figures.insert(0, self._curve(numbers, outside))
        else:
            notes.append(
                f"No {split} row is out of scope by its label: how many such texts the rule finds "
                "is not known."
            )
        return Section(
            id="scope",
            title="Texts that belong to no class",
            figures=figures,
            aside=(
                "A text that looks unlike all that was learned gets no label. The curve says how "
                "many of such texts are found for how many that do belong and still get an answer; "
                "the mark is where the line was drawn.",
            ),
            notes=notes,
            short="Out of scope",
        )

    def _curve(self, numbers: NDArray[np.float64], outside: NDArray[np.bool_]) -> Curve:
        inner = np.sort(numbers[~outside])
        kept = np.linspace(0, 1, _POINTS)
        cuts = np.quantile(inner, kept)
        strangers = np.sort(numbers[outside])
        found = 1 - np.searchsorted(strangers, cuts, side="right") / len(strangers)
        here = float((inner <= self._cut).mean())
        return Curve(
            "Found, and at what price",
            [Line("out of scope and found", kept, found)],
            x_label="share of rows in scope that get an answer",
            y_label="share of rows out of scope that are found",
            y_range=(0, 1),
            mark=(here, f"used: {here:.2f}"),
        )


class SetScores:
    """How often sets hold the right label, and how large they are; 9 bytes a row.

    Args:
        coverage: how often they should, between 0 and 1.
        least: the probability from which on a label belongs to a set; None: not decided yet.
    """

    def __init__(self, coverage: float, least: float | None):
        self._coverage, self._least = coverage, 0.0 if least is None else least
        self._counts = CoverageCounts()
        self._sure: list[NDArray[np.float64]] = []
        self._right: list[NDArray[np.bool_]] = []

    def add(
        self,
        chances: NDArray[np.float64],
        gold: NDArray[np.int64],
        outside: NDArray[np.bool_],
        numbers: NDArray[np.float64],
    ) -> None:
        """See `Refusals`; rows out of scope have no right label, and are left out."""
        inside = ~outside
        chances, gold = chances[inside], gold[inside]
        self._counts.add(prediction_sets(chances, self._least), gold)
        self._sure.append(chances.max(axis=1, initial=0))
        self._right.append(chances.argmax(axis=1) == gold)

    def result(self) -> dict[str, Any]:
        """See `CoverageCounts.result`; with `coverage_ci`."""
        found: dict[str, Any] = self._counts.result()
        rows = sum(map(len, self._right))
        return found | {"coverage_ci": _limits(found["coverage"], rows)}

    def section(self, split: str) -> Section:
        """See `Refusals`."""
        found = self._counts.result()
        columns = (Column("Sets", "text"), Column("Asked", "share"), Column("Found", "share"))
        rows: list[Sequence[str | float | None]] = [
            ("hold the right label", self._coverage, found["coverage"]),
            ("hold a single label", None, found["answered"]),
            ("hold a single label, of these right", None, found["answered_accuracy"]),
        ]
        return Section(
            id="sets",
            title="How much is left open",
            figures=[Table("", columns, rows), *self._risk()],
            aside=(
                "A set holds every label that is probable enough; where it does not hold a single "
                "one the answer is left open. The line is drawn where that many sets of the dev "
                "rows hold the right label, and new rows like those keep it.",
                "The curve answers the surest rows first: how many of the answers are right when "
                "that share of the rows is answered.",
            ),
            short="Sets",
        )

    def _risk(self) -> Iterator[Curve]:
        sure = np.concatenate([np.zeros(0), *self._sure])
        if not len(sure):
            return
        right = np.concatenate(self._right)[np.argsort(-sure, kind="stable")]
        share = np.cumsum(right) / np.arange(1, len(right) + 1)
        places = np.unique(np.linspace(0, len(right) - 1, _POINTS).astype(int))
        yield Curve(
            "Right among those answered",
            [Line("right", (places + 1) / len(right), share[places])],
            x_label="share of rows that are answered, the surest first",
            y_label="share of these that is right",
        )


def _share(found: NDArray[np.bool_]) -> float | None:
    return float(found.mean()) if len(found) else None


def _limits(share: float | None, rows: float) -> list[float] | None:
    return None if share is None else list(wilson_interval(share, rows))
