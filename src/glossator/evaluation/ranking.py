"""Area under the ROC curve, from the ranks of the scores (Mann & Whitney 1947; Fawcett 2006)."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["roc_auc", "roc_auc_interval"]

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
_AT_ONCE = 1 << 16  # rows whose ranks are held at a time


def roc_auc(scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> float | None:
    """The chance that a positive row scores above a negative one; an equal score counts half.

    Args:
        scores: `(N,)`, higher is more positive.
        positive: `(N,)`, true for the rows of the class.

    Returns:
        A share between 0 and 1, or None where one of the two sides has no row.
    """
    inside, outside = scores[positive], scores[~positive]
    inside.sort()  # both are copies already, and the rows may be many
    outside.sort()
    if not len(inside) or not len(outside):
        return None
    twice = sum(
        int(np.searchsorted(outside, part, side=side).sum())
        for part in np.array_split(inside, len(inside) // _AT_ONCE + 1)
        for side in _SIDES
    )
    return float(twice) / (2.0 * len(inside) * len(outside))


def roc_auc_interval(
    scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """Between which two shares the area lies 95 times of 100; None where a side has no row.

    It comes from how much the share of won pairs differs from row to row: DeLong, DeLong &
    Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", 1988.
    """
    area = roc_auc(scores, positive)
    if area is None:
        return None
    inside, outside = scores[positive], scores[~positive]
    shares = (_below(outside, inside) / len(outside), _below(inside, outside) / len(inside))
    spread = sum(float(x.var(ddof=1)) / len(x) for x in shares if len(x) > 1)
    half = NormalDist().inv_cdf(0.975) * spread**0.5
    return max(0.0, area - half), min(1.0, area + half)


def _below(
    others: NDArray[np.floating[Any]], scores: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """(N,) how many of the others each score is above; equal ones count half."""
    order = np.sort(others)
    left, right = np.searchsorted(order, scores), np.searchsorted(order, scores, side="right")
    return np.asarray((left + right) / 2, np.float64)
