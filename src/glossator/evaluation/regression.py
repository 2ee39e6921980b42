"""The scores of a model that predicts a number, and the comparison of two of them.

Pearson 1895; Spearman 1904, "The proof and measurement of association between two things". A
correlation with a constant is undefined, which is None here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.bootstrap import percentile_interval, resampled_counts
from glossator.evaluation.comparison import PairedDifference, difference_of
from glossator.evaluation.row_sample import RowSample, narrowed
from glossator.evaluation.spool import RowSpool

__all__ = ["RegressionScores", "paired_difference", "regression_metrics"]

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
Statistic = Callable[[Counts], Values]

_SAMPLE = 10_000  # rows that the bootstrap draws from: it takes a second or two
_CONSTANT = 1e-12  # share of the mean square below which a variance is rounding


def regression_metrics(
    predicted: ArrayLike, gold: ArrayLike, *, intervals: bool = True, seed: int = 0
) -> dict[str, Any]:
    """The scores of N rows, `(N,)` each; see `RegressionScores`.

    Raises:
        InputError: no rows, shapes that differ, or a number that is not finite.
    """
    scores = RegressionScores(intervals=intervals, seed=seed)
    scores.add(predicted, gold)
    return scores.result()


class RegressionScores:
    """Adds up the scores of predicted numbers batch by batch.

    Ranks need all rows: they are kept, 16 bytes each, past `memory_bytes` in a temporary file. The
    intervals come from a random sample of 10,000 rows, and are narrowed to the number of all.

    Args:
        intervals: whether `result` holds bootstrap intervals.
        seed: of the sample and of the bootstrap, 1,000 resamples.
        memory_bytes: what is kept in memory before it moves to disk.
        folder: where the temporary file goes; by default the system's place.
    """

    def __init__(
        self,
        *,
        intervals: bool = True,
        seed: int = 0,
        memory_bytes: int = 16 << 20,
        folder: str | Path | None = None,
    ):
        self._intervals = intervals
        self._seed = seed
        double = np.dtype(np.float64)
        self._spool = RowSpool(2, double, memory_bytes=memory_bytes, folder=folder)
        self._sample = RowSample(2, double, size=_SAMPLE, seed=seed)

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._spool.rows

    def add(self, predicted: ArrayLike, gold: ArrayLike) -> None:
        """Add predicted numbers `(n,)` and right ones `(n,)`.

        Raises:
            InputError: shapes that differ, or a number that is not finite.
            OSError: the disk is full.
        """
        pairs = np.column_stack(_columns(predicted=predicted, gold=gold))
        self._spool.append(pairs)
        self._sample.add(pairs)

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            pearson, spearman: correlations; None where either side is constant.
            rmse, mae: root of the mean squared error, and mean absolute error.
            r2: one less the squared error over that of the mean; None where gold is constant.
            pearson_ci, spearman_ci, rmse_ci: `[low, high]`, 95 percent, or None.

        Raises:
            InputError: there are no rows.
        """
        if not self.rows:
            raise InputError("there are no rows to score")
        predicted, gold = (np.asarray(column, np.float64) for column in self._spool.columns())
        errors = predicted - gold
        rest = float(((gold - gold.mean()) ** 2).sum())
        constant = gold.min() == gold.max()
        result: dict[str, Any] = {
            **{name: _value(of(predicted, gold), self.rows) for name, of in _SCORES.items()},
            "mae": float(np.abs(errors).mean()),
            "r2": None if constant else 1 - float((errors**2).sum()) / rest,
        }
        return result | (self._bootstrap(result) if self._intervals else {})

    def _bootstrap(self, whole: dict[str, Any]) -> dict[str, list[float] | None]:
        predicted, gold = self._sample.rows.T
        statistics = {name: of(predicted, gold) for name, of in _SCORES.items()}
        drawn = _resampled(statistics, len(gold), seed=self._seed)
        return {
            f"{name}_ci": self._interval(drawn[name], _value(of, len(gold)), whole[name])
            for name, of in statistics.items()
        }

    def _interval(
        self, drawn: Values, center: float | None, value: float | None
    ) -> list[float] | None:
        defined = drawn[~np.isnan(drawn)]
        if value is None or center is None or not len(defined):
            return None
        kept = len(self._sample.rows)
        around = narrowed(defined, center=center, value=value, rows=kept, seen=self.rows)
        return list(percentile_interval(around))


def paired_difference(
    gold: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    metric: str = "pearson",
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Score two regressors on the same resampled rows and look at how the difference spreads.

    Of RMSE less is better, so that b is better where the difference lies below 0. More than 10,000
    rows are sampled, as `RegressionScores` does it.

    Args:
        gold: `(N,)` right numbers.
        predicted_a: `(N,)` answers of model a.
        predicted_b: `(N,)` answers of model b.
        metric: `pearson`, `spearman` or `rmse`.

    Raises:
        InputError: another metric, no rows, columns that differ in length, a number that is not
            finite, or a correlation with a constant.
    """
    if metric not in _SCORES:
        raise InputError(f"metric is '{metric}'; expected one of: {', '.join(_SCORES)}")
    right, a, b = _columns(gold=gold, predicted_a=predicted_a, predicted_b=predicted_b)
    if not len(right):
        raise InputError("there are no rows to compare")
    score_a, score_b = (_defined(metric, answers, right) for answers in (a, b))
    sample = RowSample(3, np.dtype(np.float64), size=_SAMPLE, seed=seed)
    sample.add(np.column_stack([right, a, b]))
    drawn = _drawn_differences(metric, sample, resamples, seed, score_b - score_a)
    return difference_of(metric, score_a, score_b, drawn)


def _drawn_differences(
    metric: str, sample: RowSample, resamples: int, seed: int, value: float
) -> Values:
    """`b - a` of resamples of the rows gold, a, b, around its `value` on all rows."""
    gold, a, b = sample.rows.T
    of_a, of_b = (_SCORES[metric](answers, gold) for answers in (a, b))

    def difference(counts: Counts) -> Values:
        return of_b(counts) - of_a(counts)

    drawn = _resampled({metric: difference}, len(gold), resamples=resamples, seed=seed)[metric]
    defined = drawn[~np.isnan(drawn)]
    center = _value(difference, len(gold))
    if center is None or not len(defined):
        raise InputError(f"{metric} is undefined on most rows, which are constant")
    return narrowed(defined, center=center, value=value, rows=len(gold), seen=sample.seen)


def _defined(metric: str, predicted: Values, gold: Values) -> float:
    value = _value(_SCORES[metric](predicted, gold), len(gold))
    if value is None:
        raise InputError(f"{metric} is undefined: a column is constant")
    return value


def _resampled(
    statistics: Mapping[str, Statistic], rows: int, *, resamples: int = 1000, seed: int
) -> dict[str, Values]:
    """Each statistic `(resamples,)` of the same draws of `rows` rows."""
    drawn: dict[str, list[Values]] = {name: [] for name in statistics}
    for counts in resampled_counts(np.ones(rows, np.int64), resamples=resamples, seed=seed):
        for name, statistic in statistics.items():
            drawn[name].append(statistic(counts))
    return {name: np.concatenate(blocks) for name, blocks in drawn.items()}


def _value(statistic: Statistic, rows: int) -> float | None:
    """The statistic where every row counts once; None where it is undefined."""
    value = float(statistic(np.ones((1, rows), np.int64))[0])
    return None if np.isnan(value) else value


def _columns(**columns: ArrayLike) -> list[Values]:
    arrays = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(array.ndim != 1 for array in arrays.values()):
        got = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"shapes are {got}; expected (N,) each")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise InputError(f"{name} holds a number that is not finite")
    return list(arrays.values())


# What follows takes two columns `(N,)`, and gives what takes counts of their rows `(r, N)` and
# returns `(r,)` values, NaN where undefined.


def _pearson(x: Values, y: Values) -> Statistic:
    # Centred first, the sums of squares lose nothing to a mean that is far from 0.
    x, y = x - x.mean(), y - y.mean()
    moments = np.column_stack([x, y, x * x, y * y, x * y])

    def statistic(counts: Counts) -> Values:
        sums = counts @ moments / counts.sum(axis=1, keepdims=True)
        mean_x, mean_y, square_x, square_y, product = sums.T
        spread_x, spread_y = square_x - mean_x**2, square_y - mean_y**2
        spread_x[spread_x <= _CONSTANT * square_x] = np.nan
        spread_y[spread_y <= _CONSTANT * square_y] = np.nan
        return np.asarray((product - mean_x * mean_y) / np.sqrt(spread_x * spread_y), np.float64)

    return statistic


def _spearman(x: Values, y: Values) -> Statistic:
    rank_x, rank_y = _ranks(x), _ranks(y)

    def statistic(counts: Counts) -> Values:
        first, second = rank_x(counts), rank_y(counts)
        product, square_x, square_y = (
            np.einsum("rn,rn,rn->r", counts, a, b)
            for a, b in ((first, second), (first, first), (second, second))
        )
        spread = np.sqrt(square_x) * np.sqrt(square_y)
        return np.asarray(product / np.where(spread > 0, spread, np.nan), np.float64)

    return statistic


def _ranks(x: Values) -> Statistic:
    """Ranks `(r, N)` of each row of `x` `(N,)` among the rows drawn, less their mean.

    Equal numbers share the middle of their ranks. One sort serves all resamples: a rank is then
    the number of drawn rows below, a sum over counts in order.
    """
    _, group, sizes = np.unique(x, return_inverse=True, return_counts=True)
    order, last = np.argsort(group, kind="stable"), np.cumsum(sizes) - 1

    def ranks(counts: Counts) -> Values:
        up_to = np.cumsum(counts[:, order], axis=1)[:, last]
        below = np.pad(up_to, ((0, 0), (1, 0)))[:, :-1]
        middle = (below + up_to - up_to[:, -1:]) / 2
        return np.asarray(middle[:, group], np.float64)

    return ranks


def _rmse(predicted: Values, gold: Values) -> Statistic:
    squares = (predicted - gold) ** 2
    return lambda counts: np.asarray(np.sqrt(counts @ squares / counts.sum(axis=1)), np.float64)


_SCORES = {"pearson": _pearson, "spearman": _spearman, "rmse": _rmse}
