"""What an index is, and whether it is whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glossator.errors import MissingPackageError, SearchIndexError
from glossator.search.graph import Graph
from glossator.search.model import standing
from glossator.search.store import Settings, Store, VectorSettings
from glossator.search.vector_file import mapped

__all__ = ["Description", "described"]

_BLOCK = 8192  # vectors that are looked at together
_LENGTH_WITHIN = 1e-3  # of 1; float32 is far nearer


@dataclass(frozen=True, kw_only=True)
class Description:
    """An index that is whole.

    Attributes:
        settings: what it says of itself.
        rows: how many there are.
        dead: vectors of rows that are gone.
        size: bytes of its files.
        notes: what should be known, although nothing is lost.
    """

    settings: Settings
    rows: int
    dead: int
    size: int
    notes: tuple[str, ...] = ()


def described(folder: Path) -> Description:
    """Look at all of an index: its rows, their words and vectors, and its graph.

    Raises:
        SearchIndexError: there is none, or it is not whole; the message names what is wrong.
    """
    with contextlib.closing(Store.open(folder)) as store, store.reading():
        settings = store.settings()
        _check_rows(store)
        notes: tuple[str, ...] = ()
        dead = 0
        if settings.vectors is not None:
            dead = _check_vectors(store, settings.vectors)
            notes = tuple(_notes(folder, settings.vectors))
        return Description(
            settings=settings,
            rows=store.count(),
            dead=dead,
            size=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
            notes=notes,
        )


def _check_rows(store: Store) -> None:
    (found,) = store.one("pragma integrity_check(1)")
    if found != "ok":
        raise SearchIndexError(f"is damaged: {' '.join(found.split())}", file=store.path)
    _refuse_any(
        store,
        "rows without their words",
        "rows where number not in (select rowid from words)",
    )
    _refuse_any(store, "words of no row", "words where rowid not in (select number from rows)")


def _check_vectors(store: Store, vectors: VectorSettings) -> int:
    """How many are of rows that are gone; the others are held against the rows."""
    _check_numbers(store, vectors)
    _refuse_any(
        store, "rows without a vector", "rows where number not in (select row from vectors)"
    )
    _refuse_any(store, "vectors of no row", "vectors where row not in (select number from rows)")
    live, dead = (int(store.one(f"select count(*) from {x}")[0]) for x in ("vectors", "dead"))
    if live + dead != vectors.count:
        raise SearchIndexError(
            f"knows {live + dead:,} vectors, of {vectors.count:,} that there are", file=store.path
        )
    return dead


def _check_numbers(store: Store, vectors: VectorSettings) -> None:
    """Each vector has the length 1: what a crash has left of a file are zeros, as a rule."""
    path = store.folder / vectors.file
    every = mapped(path, vectors.count, vectors.width)
    for start in range(0, len(every), _BLOCK):
        lengths = np.linalg.norm(every[start : start + _BLOCK], axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _LENGTH_WITHIN))
        if len(wrong):
            slot, length = start + int(wrong[0]), float(lengths[wrong[0]])
            message = f"is damaged: vector {slot:,} has the length {length:.3g}; expected 1"
            raise SearchIndexError(message, file=path)


def _refuse_any(store: Store, what: str, which: str) -> None:
    (found,) = store.one(f"select count(*) from {which}")
    if found:
        raise SearchIndexError(f"is damaged: it has {found:,} {what}", file=store.path)


def _notes(folder: Path, vectors: VectorSettings) -> Iterator[str]:
    if vectors.graph is not None:
        try:
            count = Graph(folder / vectors.graph, vectors.width).count
        except (MissingPackageError, SearchIndexError) as error:
            yield f"every vector is held against a query: {error}"
        else:
            if count != vectors.in_graph:
                yield f"{vectors.graph} knows {count:,} vectors; expected {vectors.in_graph:,}"
    told = standing(vectors)
    if told:
        yield told
