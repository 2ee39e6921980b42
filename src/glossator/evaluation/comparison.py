"""Is the difference of two models on the same rows real: McNemar's test, the paired bootstrap.

McNemar 1947; Dietterich, "Approximate Statistical Tests for Comparing Supervised Classification
Learning Algorithms", 1998; Koehn, "Statistical Significance Tests for Machine Translation
Evaluation", 2004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import percentile_interval, resampled_counts
from glossator.evaluation.confusion import Confusion

__all__ = [
    "McNemar",
    "PairedDifference",
    "combined",
    "difference_of",
    "mcnemar",
    "paired_bootstrap",
]

_SMALLEST = 1e-15  # below it a normal quantile is infinite
METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True, kw_only=True)
class McNemar:
    """Rows that only one of two models got right, and the chance of such an imbalance by luck."""

    only_a: int
    only_b: int
    p_value: float


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """A score of two models on the same rows.

    `difference` is `b - a`: above 0, b is better. `low` to `high` is its 95 percent interval, and
    `p_value` is two-sided: the chance of a difference this far from 0 if there were none.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float


def mcnemar(right_a: ArrayLike, right_b: ArrayLike) -> McNemar:
    """The exact two-sided test: of the rows where one model alone is right, are half a's?

    Args:
        right_a: `(N,)`, true where model a is right.
        right_b: `(N,)`, the same rows in the same order.

    Raises:
        InputError: the two differ in length.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    _same_rows(len(a), len(b))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p_value = min(1.0, 2 * _half_binomial_tail(min(only_a, only_b), only_a + only_b))
    return McNemar(only_a=only_a, only_b=only_b, p_value=p_value)


def _half_binomial_tail(k: int, n: int) -> float:
    """P(X <= k) for X ~ Binomial(n, 1/2), summed in logs so that no n is too large."""
    i = np.arange(1, k + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - i + 1) / i))]) - n * np.log(2.0)
    return float(np.exp(logs.max()) * np.exp(logs - logs.max()).sum())


def paired_bootstrap(
    gold: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    metric: str = "accuracy",
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Score both models on the same resampled rows and look at how the difference spreads.

    Args:
        gold: `(N,)` class indices in a numbering that both models share; -1 is an unknown label.
        predicted_a: `(N,)` answers of model a.
        predicted_b: `(N,)` answers of model b.
        metric: `accuracy` or `macro_f1`.

    Raises:
        InputError: another metric, no rows, or columns that differ in length.
    """
    if metric not in METRICS:
        raise InputError(f"metric is '{metric}'; expected one of: {', '.join(METRICS)}")
    columns = [np.asarray(column, np.int64) for column in (gold, predicted_a, predicted_b)]
    _same_rows(*map(len, columns))
    cells, counts = np.unique(np.stack(columns), axis=1, return_counts=True)
    n_classes = int(cells.max()) + 1
    a, b = (getattr(Confusion(cells[0], cells[k], counts, n_classes), metric) for k in (1, 2))
    blocks = resampled_counts(counts, resamples=resamples, seed=seed)
    differences = np.concatenate([b(block) - a(block) for block in blocks])
    score_a, score_b = float(a(counts[None])[0]), float(b(counts[None])[0])
    return difference_of(metric, score_a, score_b, differences)


def difference_of(metric: str, a: float, b: float, drawn: NDArray[np.float64]) -> PairedDifference:
    """The difference of the scores `a` and `b`, from those of R resamples (R,) of the same rows."""
    low, high = percentile_interval(drawn)
    return PairedDifference(
        metric=metric, a=a, b=b, difference=b - a, low=low, high=high, p_value=_two_sided(drawn)
    )


def combined(results: Sequence[tuple[float, bool]]) -> tuple[float, bool]:
    """The two-sided p-value of several tests on different rows, and whether b is better in all.

    Args:
        results: of each test its two-sided p-value, and whether it speaks for b.

    Source: Stouffer et al. 1949, "The American soldier", volume 1, page 45.
    """
    normal = NormalDist()
    z = [normal.inv_cdf(1 - max(p, _SMALLEST) / 2) * (1 if b else -1) for p, b in results]
    mean = sum(z) / math.sqrt(len(z))
    return min(1.0, 2 * normal.cdf(-abs(mean))), mean > 0


def _two_sided(differences: NDArray[np.float64]) -> float:
    """Two-sided, counting the observed sample as one resample so that it is never 0."""
    below = np.count_nonzero(differences <= 0) + 1
    above = np.count_nonzero(differences >= 0) + 1
    return min(1.0, 2 * min(below, above) / (len(differences) + 1))


def _same_rows(*lengths: int) -> None:
    if len(set(lengths)) > 1:
        raise InputError(f"the columns have {', '.join(map(str, lengths))} rows; expected as many")
    if not lengths[0]:
        raise InputError("there are no rows to compare")
