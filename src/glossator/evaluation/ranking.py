"""Area under the ROC curve, from the ranks of the scores (Mann & Whitney 1947; Fawcett 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["roc_auc"]


def roc_auc(scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> float | None:
    """The chance that a positive row scores above a negative one; an equal score counts half.

    Args:
        scores: `(N,)`, higher is more positive.
        positive: `(N,)`, true for the rows of the class.

    Returns:
        A share between 0 and 1, or None where one of the two sides has no row.
    """
    inside, outside = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(inside) or not len(outside):
        return None
    below = np.searchsorted(outside, inside, side="left").sum()
    not_above = np.searchsorted(outside, inside, side="right").sum()
    return float(below + not_above) / (2.0 * len(inside) * len(outside))
