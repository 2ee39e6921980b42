"""A random sample of rows that stream by, for what needs rows and not sums of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowSample", "narrowed"]

Rows = NDArray[Any]
Values = NDArray[np.float64]


class RowSample:
    """Keeps all rows up to `size` of them, then a uniform sample of that many.

    Every row draws a number and those with the smallest are kept, so that the sample is the same
    however the rows are cut into batches (Vitter 1985, "Random sampling with a reservoir").

    Args:
        width: entries of a row.
        dtype: of an entry.
        size: rows that are kept at most.
        seed: of the draw.
    """

    def __init__(self, width: int, dtype: np.dtype[Any], *, size: int = 10_000, seed: int = 0):
        self.seen = 0
        self._size = size
        self._random = np.random.default_rng(seed)
        self._drawn = np.empty(0)
        self._rows: Rows = np.empty((0, width), dtype)

    def add(self, rows: Rows) -> None:
        """Add `(n, width)` rows."""
        drawn = self._random.random(len(rows))
        self.seen += len(rows)
        if len(self._drawn) >= self._size:  # most rows of a long stream fall here
            near = drawn < self._drawn.max()
            drawn, rows = drawn[near], rows[near]
        self._drawn = np.concatenate([self._drawn, drawn])
        self._rows = np.concatenate([self._rows, rows.astype(self._rows.dtype)])
        if len(self._drawn) > self._size:
            kept = np.sort(np.argpartition(self._drawn, self._size - 1)[: self._size])
            self._drawn, self._rows = self._drawn[kept], self._rows[kept]

    @property
    def rows(self) -> Rows:
        """`(min(seen, size), width)`, in the order in which they came."""
        return self._rows


def narrowed(drawn: Values, *, center: float, value: float, rows: int, seen: int) -> Values:
    """Bootstrap values `(R,)` of a statistic, as they would lie around that of all `seen` rows.

    A statistic that is nearly normal spreads as one over the root of its rows. Where the sample
    holds all rows nothing changes.

    Args:
        drawn: the statistic of resamples of the sample.
        center: the statistic of the sample.
        value: the statistic of all rows.
        rows: of the sample.
        seen: rows in all, as many or more.
    """
    return np.asarray(value + (drawn - center) * np.sqrt(rows / seen), np.float64)
