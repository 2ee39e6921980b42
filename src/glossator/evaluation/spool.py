"""Rows of numbers, appended in batches and read back by column: in memory, past a size on disk."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.files import disk_errors_named

__all__ = ["RowSpool"]

Floats = NDArray[np.floating[Any]]

_READ_BYTES = 4 << 20
# Columns are read back few at a time, yet in no more than this many passes over the rows.
_COLUMN_BYTES, _PASSES = 8 << 20, 16


class RowSpool:
    """An append-only table of `(rows, width)` floats.

    Args:
        width: numbers in a row.
        dtype: float32 or float64.
        memory_bytes: what is held in memory before all of it moves to an unnamed temporary file.
        folder: where that file goes; by default where the system keeps temporary files.
    """

    def __init__(
        self,
        width: int,
        dtype: np.dtype[Any],
        *,
        memory_bytes: int = 16 << 20,
        folder: str | Path | None = None,
    ):
        self.rows = 0
        self._width = width
        self._dtype = dtype
        self._where = tempfile.gettempdir() if folder is None else str(folder)
        # closed with this object, not with a block: batches come in over many calls
        self._file = tempfile.SpooledTemporaryFile(memory_bytes, dir=self._where)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def append(self, rows: Floats) -> None:
        """Add `(n, width)` rows.

        Raises:
            OSError: the disk is full.
        """
        with disk_errors_named(self._where):
            self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self.rows += len(rows)

    def columns(self, first: int = 0) -> Iterator[Floats]:
        """Yield the columns from `first` on, each `(rows,)`, reading a few in one pass."""
        few = _COLUMN_BYTES // max(1, self.rows * self._dtype.itemsize)
        at_once = max(1, few, -(-self._width // _PASSES))
        for start in range(first, self._width, at_once):
            yield from self._read(start, min(start + at_once, self._width))

    def column(self, number: int) -> Floats:
        """One column, `(rows,)`."""
        column: Floats = self._read(number, number + 1)[0]
        return column

    def _read(self, start: int, stop: int) -> Floats:
        """The columns `start` to `stop`, `(stop - start, rows)`."""
        block = np.empty((stop - start, self.rows), self._dtype)
        row_bytes = self._width * self._dtype.itemsize
        step = max(1, _READ_BYTES // row_bytes)
        self._file.seek(0)
        for row in range(0, self.rows, step):
            data = np.frombuffer(self._file.read(step * row_bytes), self._dtype)
            chunk = data.reshape(-1, self._width)
            block[:, row : row + len(chunk)] = chunk[:, start:stop].T
        self._file.seek(0, 2)
        return block
