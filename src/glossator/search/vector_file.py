"""Vectors on disk: float32, one behind the other, only ever appended to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import SearchIndexError
from glossator.files import disk_errors_named

__all__ = ["Appender", "Vectors", "appending", "mapped", "unit"]

Vectors = NDArray[np.float32]
_ITEM = 4  # bytes of a float32


def mapped(path: Path, count: int, width: int) -> Vectors:
    """(count, width) the first vectors of a file, as they lie there.

    Raises:
        SearchIndexError: the file is missing or holds fewer.
    """
    if not count:
        return np.zeros((0, width), np.float32)
    try:
        return np.memmap(path, np.float32, "r", shape=(count, width))
    except FileNotFoundError:
        raise SearchIndexError("is missing", file=path) from None
    except ValueError:
        message = f"is cut short: expected {count:,} vectors of {width} numbers"
        raise SearchIndexError(message, file=path) from None


def unit(vectors: Vectors) -> Vectors:
    """(N, width) the same directions with the length 1, so that a product is a cosine."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, np.finfo(np.float64).tiny)).astype(np.float32)
    return scaled


class Appender:
    """Writes vectors behind those that are valid.

    Attributes:
        count: how many there are with those written.
    """

    def __init__(self, file: Any, path: Path, count: int):
        self._file, self._path, self.count = file, path, count

    def add(self, vectors: Vectors) -> int:
        """Write (N, width) vectors; the slot of the first."""
        first = self.count
        with disk_errors_named(self._path):
            self._file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
        self.count += len(vectors)
        return first

    def settle(self) -> None:
        """Have all that was written reach the disk, before anything says that it is there."""
        with disk_errors_named(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            folder = os.open(self._path.parent, os.O_RDONLY)  # the file may be a new one
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextlib.contextmanager
def appending(path: Path, count: int, width: int) -> Iterator[Appender]:
    """Append to a file, of which the first `count` vectors are valid; the rest is cut off.

    Raises:
        SearchIndexError: the file holds fewer.
        OSError: the disk is full.
    """
    length = count * width * _ITEM
    with disk_errors_named(path):
        file = open(path, "r+b" if count else "w+b")  # noqa: SIM115
    try:
        if os.fstat(file.fileno()).st_size < length:
            message = f"is cut short: expected {count:,} vectors of {width} numbers"
            raise SearchIndexError(message, file=path)
        file.truncate(length)
        file.seek(length)
        yield Appender(file, path, count)
    finally:
        with contextlib.suppress(OSError):  # a full disk was told of already
            file.close()
