"""The scores of answers found in texts, added up row by row."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.evaluation.answer_match import Match
from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.proportions import unless_degenerate

__all__ = ["AnswerScores"]

Values = NDArray[np.float64]


class AnswerScores:
    """Means of exact match and F1; memory grows with the different scores of rows alone.

    Args:
        intervals: whether `result` holds bootstrap intervals.
        seed: of the bootstrap, 1,000 resamples of rows.
    """

    def __init__(self, *, intervals: bool = True, seed: int = 0):
        self._intervals, self._seed = intervals, seed
        self._cells: Counter[tuple[bool, float, bool]] = Counter()  # exact, F1, has an answer

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._cells.total()

    @property
    def unanswerable(self) -> int:
        """Rows so far that have no answer."""
        return sum(count for (_, _, has), count in self._cells.items() if not has)

    def add(self, match: Match, *, answerable: bool) -> None:
        """Add a row, and whether it has an answer."""
        self._cells[match.exact, match.f1, answerable] += 1

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            exact_match, f1: means over rows.
            answered_f1: the mean over rows that have an answer; None where all have none or one.
            unanswered: the share of rows without an answer that got none; None where all have one.
            rows: how many.
            exact_match_ci, f1_ci: `[low, high]`, 95 percent; Wilson's where all rows are alike.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        kinds = sorted(self._cells)  # in one order however the rows came
        counts = np.array([self._cells[kind] for kind in kinds], np.int64)
        exact, f1, has = (np.array(x, np.float64) for x in zip(*kinds, strict=True))
        mixed = self.unanswerable > 0
        result = {
            "exact_match": _mean(exact, counts),
            "f1": _mean(f1, counts),
            "answered_f1": _mean(f1, counts * has) if mixed and has.any() else None,
            "unanswered": _mean(f1, counts * (1 - has)) if mixed else None,
            "rows": self.rows,
        }
        return result | (self._bootstrap(exact, f1, counts) if self._intervals else {})

    def _bootstrap(
        self, exact: Values, f1: Values, counts: NDArray[np.int64]
    ) -> dict[str, list[float]]:
        found = bootstrap_intervals(
            counts,
            {
                "exact_match_ci": lambda block: block @ exact / self.rows,
                "f1_ci": lambda block: block @ f1 / self.rows,
            },
            seed=self._seed,
        )
        return {name: unless_degenerate(found[name], self.rows) for name in found}


def _mean(values: Values, weights: NDArray[Any]) -> float:
    return float(values @ weights / weights.sum())
