"""Percentile bootstrap over counted rows (Efron & Tibshirani 1993, chapter 13).

Rows that are alike in everything a score looks at, such as gold and predicted class, are one cell
with a count. Drawing N rows with replacement is then one multinomial draw over the cells, so that
an interval costs the same for a thousand rows and for a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap_intervals", "percentile_interval", "resampled_counts"]

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

_BLOCK = 2_000_000  # entries of one block of resamples: 16 MB
_CELL_COST = 7  # a multinomial draw for a cell costs as much as drawing seven rows (measured)


def resampled_counts(counts: Counts, *, resamples: int = 1000, seed: int = 0) -> Iterator[Counts]:
    """Yield blocks `(r, K)` of bootstrap counts; the blocks' r add up to `resamples`.

    Args:
        counts: `(K,)` rows in each cell, at least one row in all.
        resamples: how many bootstrap samples to draw.
        seed: the same seed gives the same draws.
    """
    random = np.random.default_rng(seed)
    by_rows = counts.sum() < _CELL_COST * len(counts)
    draw = _draw_rows if by_rows else _draw_cells
    step = max(1, _BLOCK // len(counts))
    for start in range(0, resamples, step):
        yield draw(random, counts, min(step, resamples - start))


def _draw_cells(random: np.random.Generator, counts: Counts, resamples: int) -> Counts:
    total = int(counts.sum())
    return random.multinomial(total, counts / total, size=resamples)


def _draw_rows(random: np.random.Generator, counts: Counts, resamples: int) -> Counts:
    cell_of_row = np.repeat(np.arange(len(counts)), counts)
    drawn = np.empty((resamples, len(counts)), np.int64)
    for sample in drawn:
        rows = random.integers(0, len(cell_of_row), len(cell_of_row))
        sample[:] = np.bincount(cell_of_row[rows], minlength=len(counts))
    return drawn


def bootstrap_intervals(
    counts: Counts,
    statistics: Mapping[str, Callable[[Counts], Values]],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """The percentile interval of each statistic over resamples of the rows behind `counts`.

    Args:
        counts: `(K,)` rows in each cell.
        statistics: by name, what takes a block of counts `(r, K)` and returns `(r,)` values.
        resamples: how many bootstrap samples to draw.
        seed: the same seed gives the same intervals.
        level: share of the resamples that lies inside, between 0 and 1.
    """
    values: dict[str, list[Values]] = {name: [] for name in statistics}
    for block in resampled_counts(counts, resamples=resamples, seed=seed):
        for name, statistic in statistics.items():
            values[name].append(statistic(block))
    return {
        name: percentile_interval(np.concatenate(blocks), level=level)
        for name, blocks in values.items()
    }


def percentile_interval(values: Values, *, level: float = 0.95) -> tuple[float, float]:
    """The two quantiles between which the middle `level` of `values` lies."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
