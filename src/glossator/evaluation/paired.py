"""The paired bootstrap of a score that is made of sums over rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.comparison import PairedDifference, difference_of

__all__ = ["micro_f1", "paired_sums"]

Values = NDArray[np.float64]


def micro_f1(sums: Values) -> Values:
    """(R, 3) of hits, answers given and answers that are right -> (R,)."""
    return np.asarray(2 * sums[:, 0] / np.maximum(1, sums[:, 1] + sums[:, 2]), np.float64)


def paired_sums(
    metric: str,
    a: ArrayLike,
    b: ArrayLike,
    score: Callable[[Values], Values],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Score two models on the same resampled rows and look at how the difference spreads.

    Args:
        metric: name of the score.
        a: `(N, K)` what each row adds to the K sums of model a.
        b: `(N, K)` the same of model b.
        score: from sums `(R, K)` to `(R,)` scores.
        resamples: how many.
        seed: of the drawing.

    Raises:
        InputError: the two differ in shape, or there are no rows.

    Source: Koehn 2004, "Statistical significance tests for machine translation evaluation".
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or not len(first):
        raise InputError(f"the models have sums {first.shape} and {second.shape} over their rows")
    both = np.concatenate([first, second], axis=1)
    random, rows = np.random.default_rng(seed), len(both)
    drawn = np.empty((resamples, both.shape[1]))
    for number in range(resamples):
        drawn[number] = np.bincount(random.integers(rows, size=rows), minlength=rows) @ both
    width = first.shape[1]
    differences = score(drawn[:, width:]) - score(drawn[:, :width])
    whole = both.sum(axis=0)[None]
    score_a, score_b = float(score(whole[:, :width])[0]), float(score(whole[:, width:])[0])
    return difference_of(metric, score_a, score_b, differences)
