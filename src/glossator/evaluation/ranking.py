"""Area under the ROC curve, from the ranks of the scores (Mann & Whitney 1947; Fawcett 2006)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["roc_auc"]

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
