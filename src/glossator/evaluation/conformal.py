"""Sets of classes that hold the right one as often as was asked.

Split conformal prediction: held-out rows tell how little probability a right class gets, and a set
takes in every class with at least as much. Where new rows are drawn as the held-out ones were, the
share of sets that hold the right class is at least what was asked, whatever the model is worth.
A set may be empty: no class is probable enough.

Sadinle, Lei & Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded Error Levels", 2019.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError

__all__ = ["CoverageCounts", "fewest_rows", "least_probability", "prediction_sets"]


def fewest_rows(coverage: float) -> int:
    """How many held-out rows `least_probability` needs for a coverage between 0 and 1."""
    return math.ceil(round(coverage / (1 - coverage), 9))


def least_probability(
    probabilities: NDArray[np.floating[Any]], gold: NDArray[np.int64], coverage: float
) -> float:
    """The probability from which on a class belongs to the set.

    It is the one that the k-th surest of N held-out rows gives its right class, where
    k = ceil((N + 1) coverage): the quantile of a finite sample; halfway to the next row, so that
    none stands on it and rounding decides nothing.

    Args:
        probabilities: `(N, C)` of held-out rows.
        gold: `(N,)` class indices.
        coverage: share of sets that should hold the right class, between 0 and 1.

    Raises:
        InputError: there are fewer rows than `fewest_rows`.
    """
    rows = len(gold)
    rank = math.ceil(round((rows + 1) * coverage, 9))
    if rank > rows:
        raise InputError(
            f"a coverage of {coverage:g} needs at least {fewest_rows(coverage):,} held-out rows, "
            f"got {rows:,}"
        )
    right = np.sort(probabilities[np.arange(rows), gold]).astype(np.float64)
    below = right[rows - rank - 1] if rank < rows else 0.0
    return float((right[rows - rank] + below) / 2)


def prediction_sets(probabilities: NDArray[np.floating[Any]], least: float) -> NDArray[np.bool_]:
    """`(N, C)` whether a class is in the set of a row."""
    return np.asarray(probabilities >= least, np.bool_)


class CoverageCounts:
    """Adds up how good sets are, batch by batch, in constant memory."""

    def __init__(self) -> None:
        self._rows = self._held = self._members = self._single = self._right = 0

    def add(self, sets: NDArray[np.bool_], gold: NDArray[np.int64]) -> None:
        """Add rows `(n, C)` with gold classes `(n,)`; -1, a class that is unknown, is in none."""
        known = gold >= 0
        held = np.zeros(len(gold), np.bool_)
        held[known] = sets[known, gold[known]]
        single = sets.sum(axis=1) == 1
        self._rows += len(gold)
        self._held += int(held.sum())
        self._members += int(sets.sum())
        self._single += int(single.sum())
        self._right += int((held & single).sum())

    def result(self) -> dict[str, float | None]:
        """Shares from 0 to 1, and the mean size; all None without rows.

        `coverage` is of sets with the right class, `answered` of sets with a single one, and
        `answered_accuracy` of right ones among these (None where there are none).
        """
        rows = self._rows
        if not rows:
            names = ("coverage", "set_size", "answered", "answered_accuracy")
            return dict.fromkeys(names)
        return {
            "coverage": self._held / rows,
            "set_size": self._members / rows,
            "answered": self._single / rows,
            "answered_accuracy": self._right / self._single if self._single else None,
        }
