"""Which rows have vectors near that of a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from glossator.errors import MissingPackageError, SearchIndexError
from glossator.search.exact import Slots, nearest, rescored
from glossator.search.filters import Condition
from glossator.search.graph import Graph
from glossator.search.store import Store, VectorSettings
from glossator.search.vector_file import Vectors, mapped

__all__ = ["Found", "VectorSearch"]

Found: TypeAlias = list[tuple[int, float]]
"""Numbers of rows and their scores, the best first."""

# Fetched beside those asked for: products of float32 may leave out the last of nearly equal ones.
_SPARE = 16


class VectorSearch:
    """Finds rows by vectors, in the state that an index had when this was made.

    Args:
        store: the open index, being read.
        settings: what it says of its vectors.

    Attributes:
        note: why there is no approximate way although there should be one; empty where all is well.

    Raises:
        FileNotFoundError: the vectors were written anew meanwhile.
        SearchIndexError: they are damaged.
    """

    def __init__(self, store: Store, settings: VectorSettings):
        self._store, self._settings, self.note = store, settings, ""
        path = store.folder / settings.file
        self._vectors = mapped(path, settings.count, settings.width)
        dead = np.array(store.all("select slot from dead"), np.int64).reshape(-1)
        self._alive: NDArray[np.bool_] | None = None
        if len(dead):
            self._alive = np.ones(settings.count, bool)
            self._alive[dead] = False
        self.live = settings.count - len(dead)
        self._graph: Graph | None = None
        if settings.graph is not None:
            try:
                self._graph = Graph(store.folder / settings.graph, settings.width)
            except (MissingPackageError, SearchIndexError) as error:
                self.note = f"every vector is held against a query: {error}"

    def find(
        self,
        queries: Vectors,
        count: int,
        condition: Condition,
        *,
        exact: bool = False,
        threads: int | None = None,
    ) -> list[Found]:
        """Of each query the rows whose nearest vectors are the nearest, with their cosines.

        Args:
            queries: (Q, width) of length 1.
            count: rows at most.
            condition: that they meet; then all that do are looked at.
            exact: look at every vector in any case.
            threads: of the processor, for the approximate way; None takes all.
        """
        slots = self._allowed(condition)
        limit = self.live if slots is None else len(slots)
        approximate = self._graph is not None and not exact and not condition
        windows = self._settings.kept == "windows"
        fetched = min((3 if windows else 1) * count + _SPARE, limit)
        chosen = self._candidates(queries, fetched, slots, approximate, threads)
        found = []
        for query, first in zip(queries, chosen, strict=True):
            wanted, near = fetched, first
            rows = self._rows(query, near)
            while len(rows) < count and wanted < limit:
                wanted = min(4 * wanted, limit)
                # Whoever asks a graph for nearly all of it may as well look at each.
                by_graph = approximate and 2 * wanted < limit
                (near,) = self._candidates(query[None], wanted, slots, by_graph, threads)
                rows = self._rows(query, near)
            found.append(rows[:count])
        return found

    def places(self, query: Vectors, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
        """The characters of each row that its vector nearest to a query stands for."""
        places = {}
        for number in numbers:
            sql = "select slot, start, stop from vectors where row = ? order by slot"
            found = {slot: (start, stop) for slot, start, stop in self._store.all(sql, (number,))}
            order, _ = rescored(query, self._vectors, np.array(list(found), np.int64))
            places[number] = found[int(order[0])]
        return places

    def _allowed(self, condition: Condition) -> Slots | None:
        """The slots that may be found; None where all may."""
        if condition:
            sql = (
                "select slot from vectors where row in "
                f"(select number from rows where {condition.sql}) order by slot"
            )
            return np.array(self._store.all(sql, condition.values), np.int64).reshape(-1)
        return None if self._alive is None else np.flatnonzero(self._alive)

    def _candidates(
        self,
        queries: Vectors,
        count: int,
        slots: Slots | None,
        approximate: bool,
        threads: int | None,
    ) -> list[Slots]:
        """Slots that are near each query, about `count` of those that are alive."""
        if not count:
            return [np.zeros(0, np.int64) for _ in queries]
        if not approximate or self._graph is None:
            return nearest(queries, self._vectors, count, slots)
        spare = count if self._alive is None else round(count * len(self._alive) / self.live)
        near = self._graph.nearest(queries, spare, threads)
        if self._alive is not None:
            near = [part[self._alive[part]] for part in near]
        if self._graph.count < len(self._vectors):
            rest = nearest(queries, self._vectors, count, slots, first=self._graph.count)
            near = [np.concatenate(pair) for pair in zip(near, rest, strict=True)]
        return near

    def _rows(self, query: Vectors, slots: Slots) -> Found:
        """The rows of slots, each with its highest cosine."""
        ordered, scores = rescored(query, self._vectors, slots)
        numbers = self._store.numbers_of(ordered.tolist())
        if len(numbers) < len(ordered):
            raise SearchIndexError("holds vectors of no row", file=self._store.path)
        best: dict[int, float] = {}
        for slot, score in zip(ordered.tolist(), scores.tolist(), strict=True):
            best.setdefault(numbers[slot], score)
        return list(best.items())
