"""Which vectors are nearest, approximately: a graph of neighbours, derived from the vectors.

Only this file imports usearch. It keeps no vector that the index could not give again: what it
finds is held against the vectors themselves.

Source: Malkov and Yashunin 2016, "Efficient and robust approximate nearest neighbor search using
hierarchical navigable small world graphs".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from glossator.errors import SearchIndexError
from glossator.extras import found, missing
from glossator.files import replaced_file
from glossator.search.exact import Slots
from glossator.search.vector_file import Vectors

__all__ = ["FROM", "Graph", "grown"]

FROM = 10_000
"""Vectors from which on an index has a graph; fewer are held against a query one by one."""

# Measured on 40,943 texts: see `python -m benchmarks search`.
_CONNECTIVITY, _EXPANSION_ADD, _EXPANSION_SEARCH = 32, 128, 128
_PART = 4096  # vectors between two words of progress


class Graph:
    """A graph on disk, mapped into memory.

    Args:
        path: of its file.
        width: of a vector.

    Attributes:
        count: how many vectors it knows: those of the first slots.

    Raises:
        MissingPackageError: usearch is not installed.
        SearchIndexError: the file is missing or damaged.
    """

    def __init__(self, path: Path, width: int):
        self._index = _opened(path, width, view=True)
        self.count = len(self._index)

    def nearest(self, queries: Vectors, count: int, threads: int | None = None) -> list[Slots]:
        """Of each of (Q, width) queries about `count` slots of vectors that are near, at most."""
        wanted = min(count, self.count)
        self._index.expansion_search = max(_EXPANSION_SEARCH, 2 * wanted)
        if not len(queries) or not wanted:
            return [np.zeros(0, np.int64) for _ in queries]
        found = self._index.search(queries, wanted, threads=threads or 0)
        if len(queries) == 1:  # of a single one the library leaves the first axis out
            return [np.asarray(found.keys, np.int64)]
        return [
            np.asarray(keys[:number], np.int64)
            for keys, number in zip(found.keys, found.counts, strict=True)
        ]


def grown(
    path: Path,
    vectors: Vectors,
    *,
    old: Path | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write the graph of all vectors to `path`, whole or not at all.

    Args:
        path: of the new file.
        vectors: (N, width).
        old: a graph of the first of them, to which the others are added.
        threads: of the processor; None takes all.
        progress: is told how many vectors were added since the last call.

    Raises:
        MissingPackageError: usearch is not installed.
        SearchIndexError: `old` is missing or damaged.
        OSError: the disk is full.
    """
    width = vectors.shape[1]
    index = _empty(width) if old is None else _opened(old, width, view=False)
    for start in range(len(index), len(vectors), _PART):
        part = np.asarray(vectors[start : start + _PART])
        index.add(np.arange(start, start + len(part)), part, threads=threads or 0)
        progress(len(part))
    with replaced_file(path) as temporary:
        index.save(temporary)
        if temporary.stat().st_size != index.serialized_length:
            raise OSError(28, "No space left on device", str(temporary))


def _usearch() -> Any:
    """The package, loaded after onnxruntime where that is there.

    The other way round the process crashes (usearch 2.26 with onnxruntime 1.32).
    """
    if not found("search"):
        raise missing("search")
    with contextlib.suppress(ImportError):
        import onnxruntime  # noqa: F401
    import usearch.index

    return usearch.index


def _empty(width: int) -> Any:
    return _usearch().Index(
        ndim=width,
        metric="ip",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION_SEARCH,
    )


def _opened(path: Path, width: int, *, view: bool) -> Any:
    package = _usearch()
    if not path.is_file():
        raise SearchIndexError("is missing", file=path)
    try:
        index = package.Index.restore(path, view=view)
    except Exception as error:  # the library raises plain ones
        raise SearchIndexError(f"is damaged: {error}", file=path) from error
    if index is None or index.ndim != width:
        raise SearchIndexError("is damaged", file=path)
    index.expansion_add = _EXPANSION_ADD
    return index
