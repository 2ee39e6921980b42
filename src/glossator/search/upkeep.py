"""What is done to an index after its rows have changed: nothing that an answer depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from glossator.errors import MissingPackageError, SearchIndexError
from glossator.search import graph
from glossator.search.store import Settings, Store, VectorSettings
from glossator.search.vector_file import appending, mapped

__all__ = ["compact", "keep_up", "sweep"]

_BLOCK = 8192  # vectors that are copied at once
# A graph grows when this share of the vectors is not in it; until then they are searched one by
# one beside it.
_BESIDE = 0.1

Progress = Callable[[int], None]


def keep_up(
    store: Store, *, threads: int | None = None, progress: Progress = lambda _: None
) -> Iterator[str]:
    """Make an index fast again: leave dead vectors out when they are half, and let its graph grow.

    Args:
        store: the open index, in no transaction.
        threads: of the processor; None takes all.
        progress: is told how many vectors the graph has taken in since the last call.

    Yields:
        what should be known.
    """
    vectors = store.settings().vectors
    if vectors is not None and 2 * store.one("select count(*) from dead")[0] > vectors.count:
        compact(store)
    try:
        yield from _graph(store, threads, progress)
    except MissingPackageError as error:
        yield f"every vector is held against a query: {error.message}"
    sweep(store)


def compact(store: Store) -> None:
    """Write the vectors anew without those of rows that are gone, and tidy the words."""
    settings = store.settings()
    vectors = settings.vectors
    if vectors is not None and store.one("select count(*) from dead")[0]:
        _rewrite(store, settings, vectors)
    with store.writing():
        store.execute("insert into words (words) values ('optimize')")
    store.execute("vacuum")


def sweep(store: Store) -> None:
    """Delete the files of vectors and graphs that the index does not name."""
    vectors = store.settings().vectors
    named = {vectors.file, vectors.graph} if vectors is not None else set()
    for pattern in ("vectors-*", "graph-*", ".graph-*"):
        for path in store.folder.glob(pattern):
            if path.name not in named:
                path.unlink(missing_ok=True)


def _rewrite(store: Store, settings: Settings, vectors: VectorSettings) -> None:
    old = mapped(store.folder / vectors.file, vectors.count, vectors.width)
    revision = settings.revision + 1
    file = f"vectors-{revision}.f32"
    with store.writing():
        live = np.array(store.all("select slot from vectors order by slot"), np.int64).reshape(-1)
        with appending(store.folder / file, 0, vectors.width) as new:
            for start in range(0, len(live), _BLOCK):
                new.add(old[live[start : start + _BLOCK]])
            new.settle()
        store.execute(
            "create temp table kept as select row, start, stop from vectors order by slot"
        )
        store.execute("delete from vectors")
        store.execute("insert into vectors select rowid - 1, row, start, stop from temp.kept")
        store.execute("drop table temp.kept")
        store.execute("delete from dead")
        now = dataclasses.replace(vectors, file=file, count=len(live), graph=None, in_graph=0)
        store.write_settings(dataclasses.replace(settings, vectors=now, revision=revision))


def _graph(store: Store, threads: int | None, progress: Progress) -> Iterator[str]:
    """Let the graph follow the vectors."""
    settings = store.settings()
    vectors = settings.vectors
    if vectors is None or vectors.count < graph.FROM:
        return
    if vectors.graph is not None and vectors.count - vectors.in_graph < _BESIDE * vectors.count:
        return
    revision = settings.revision + 1
    file = f"graph-{revision}.usearch"
    there = mapped(store.folder / vectors.file, vectors.count, vectors.width)
    old = None if vectors.graph is None else store.folder / vectors.graph
    try:
        graph.grown(store.folder / file, there, old=old, threads=threads, progress=progress)
    except SearchIndexError:  # the old one cannot be read: it is made anew
        graph.grown(store.folder / file, there, threads=threads, progress=progress)
    now = dataclasses.replace(vectors, graph=file, in_graph=vectors.count)
    with store.writing():
        store.write_settings(dataclasses.replace(settings, vectors=now, revision=revision))
    yield f"an approximate index finds {vectors.count:,} vectors"
