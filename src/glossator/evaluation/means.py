"""Scores that are means over rows, their intervals, and two models held against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.comparison import PairedDifference
from glossator.evaluation.paired import paired_sums
from glossator.evaluation.proportions import unless_degenerate

__all__ = ["means", "paired_means"]

Values = NDArray[np.float64]


def means(values: Mapping[str, Values], *, intervals: bool) -> dict[str, Any]:
    """The mean of each measure, and with `intervals` at `NAME_ci` where it lies 95 times of 100.

    Args:
        values: by measure, `(N,)` what each row adds; N at least 1.
        intervals: whether to draw rows again.
    """
    found: dict[str, Any] = {name: float(x.mean()) for name, x in values.items()}
    if not intervals:
        return found
    # Rows that add the same are one cell: a million ranks are a few thousand.
    table = np.stack(list(values.values()), axis=1)
    cells, counts = np.unique(table, axis=0, return_counts=True)
    rows = len(table)
    statistics: dict[str, Callable[[NDArray[np.int64]], Values]] = {
        name: partial(_mean, cells[:, i], rows) for i, name in enumerate(values)
    }
    limits = bootstrap_intervals(counts, statistics)
    return found | {f"{name}_ci": unless_degenerate(x, rows) for name, x in limits.items()}


def paired_means(name: str, a: Values, b: Values) -> PairedDifference:
    """The difference of two means over the same rows, `(N,)` what each adds; b minus a."""
    one, other = (np.stack([x, np.ones_like(x)], axis=1) for x in (a, b))
    return paired_sums(name, one, other, lambda drawn: drawn[:, 0] / drawn[:, 1])


def _mean(cells: Values, rows: int, drawn: NDArray[np.int64]) -> Values:
    return np.asarray(drawn @ cells / rows, np.float64)
