"""Rows put into an index and taken out of it, each change whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glossator.errors import ConfigError
from glossator.search.cutting import spaced
from glossator.search.model import Embedded, Model
from glossator.search.store import Settings, Store, row_text
from glossator.search.vector_file import Appender, appending
from glossator.text.columns import read_text, rejected
from glossator.text.rows import Item, Rejection, Row

__all__ = ["Changes", "Writer", "changed"]

CHUNK = 1024
_CHARACTERS = 2**22  # and fewer rows where texts are long

Progress = Callable[[int], None]


@dataclass
class Changes:
    """What became of the rows that were read.

    Attributes:
        read: how many there were.
        added: that are new.
        replaced: whose id was there, with other values.
        unchanged: that were there just so.
        removed: that are there no longer.
        absent: ids to be removed that were not there.
        rejected: rows that could not be used.
        notes: what else should be known.
    """

    read: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    removed: int = 0
    absent: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _New:
    """A row that is to be written."""

    id: str
    text: str
    row: str


class Writer:
    """Changes the rows of an index inside one transaction.

    Args:
        store: the open index.
        settings: what it says of itself.
        model: that makes its vectors; None where rows are only removed, or it has none.
        appender: takes the vectors.

    Attributes:
        changes: what was done so far.
    """

    def __init__(
        self, store: Store, settings: Settings, model: Model | None, appender: Appender | None
    ):
        self._store, self._settings, self._model = store, settings, model
        self._appender, self.changes = appender, Changes()
        self._columns = dict.fromkeys(settings.columns)
        self._seen: set[str] = set()
        found = store.one("select seq from sqlite_sequence where name = 'rows'")
        self._last = found[0] if found else 0

    def add(self, items: Iterable[Item], progress: Progress = lambda _: None) -> None:
        """Add rows; one whose id is there is replaced.

        Args:
            items: rows, and those that could not be read.
            progress: is told how many were done since the last call.

        Raises:
            ConfigError: the index has vectors, and there is no model to make some.
        """
        if self._settings.vectors is not None and self._appender is None:
            raise ConfigError("the index has vectors; rows are added with the model that made them")
        for part in _parts(items):
            found = [self._read(item) for item in part]
            self.changes.read += len(part)
            self.changes.rejected += [x for x in found if isinstance(x, Rejection)]
            self._write([x for x in found if isinstance(x, _New)])
            progress(len(part))

    def remove(self, items: Iterable[Item]) -> None:
        """Remove rows by their ids, from the column of ids or the only one that there is."""
        for item in items:
            self.changes.read += 1
            found = self._named(item) if isinstance(item, Row) else item
            if isinstance(found, Rejection):
                self.changes.rejected.append(found)
                continue
            known = self._store.one("select number from rows where id = ?", (found,))
            if known is None:
                self.changes.absent += 1
                continue
            self._forget(known[0])
            self._store.execute("delete from rows where number = ?", known)
            self.changes.removed += 1

    def settle(self) -> Settings:
        """Write down what is there now; it holds once the transaction does."""
        vectors = self._settings.vectors
        if self._appender is not None and vectors is not None:
            self._appender.settle()
            vectors = dataclasses.replace(vectors, count=self._appender.count)
        settings = dataclasses.replace(
            self._settings,
            columns=tuple(self._columns),
            vectors=vectors,
            revision=self._settings.revision + 1,
        )
        self._store.write_settings(settings)
        return settings

    def _read(self, item: Item) -> _New | Rejection:
        if isinstance(item, Rejection):
            return item
        text = read_text(item, self._settings.text)
        if isinstance(text, Rejection):
            return text
        id = self._id(item)
        if isinstance(id, Rejection):
            return id
        if id in self._seen:
            return rejected(item, "doubled_id", f"the id {id!r:.60} stands in an earlier row too")
        self._seen |= {id} if id else set()
        self._columns |= dict.fromkeys(item.values)
        return _New(id, text, row_text(item.values))

    def _id(self, row: Row) -> str | Rejection:
        """The id of a row to be added; empty where rows are counted."""
        column = self._settings.id
        return "" if column is None else read_text(row, (column,), "id")

    def _named(self, row: Row) -> str | Rejection:
        """The id of a row to be removed."""
        column = self._settings.id or "id"
        if column not in row.values and len(row.values) == 1:
            column = next(iter(row.values))
        return read_text(row, (column,), "id")

    def _write(self, rows: Sequence[_New]) -> None:
        ids = [row.id for row in rows]
        known = self._known(ids)
        new = [row for row in rows if known.get(row.id, (0, ""))[1] != row.row]
        self.changes.unchanged += len(rows) - len(new)
        texts = [row.text for row in new]
        vectors = self._settings.vectors
        embedded: Sequence[Embedded | None] = [None] * len(new)
        if self._model is not None and vectors is not None:
            embedded = self._model.documents(texts, vectors.kept)
        for row, found in zip(new, embedded, strict=True):
            self._put(row, known.get(row.id), found)

    def _put(self, row: _New, known: tuple[int, str] | None, embedded: Embedded | None) -> None:
        if known is None:
            self._last += 1
            number = self._last
            self._store.execute(
                "insert into rows values (?, ?, ?)", (number, row.id or str(number), row.row)
            )
            self.changes.added += 1
        else:
            number = known[0]
            self._forget(number)
            self._store.execute("update rows set row = ? where number = ?", (row.row, number))
            self.changes.replaced += 1
        self._store.execute(
            "insert into words (rowid, text) values (?, ?)", (number, spaced(row.text))
        )
        if embedded is not None and self._appender is not None:
            first = self._appender.add(embedded.vectors)
            self._store.many(
                "insert into vectors values (?, ?, ?, ?)",
                [(first + i, number, *place) for i, place in enumerate(embedded.places)],
            )

    def _forget(self, number: int) -> None:
        """Take the words and vectors of a row away."""
        self._store.execute("delete from words where rowid = ?", (number,))
        self._store.execute("insert into dead select slot from vectors where row = ?", (number,))
        self._store.execute("delete from vectors where row = ?", (number,))

    def _known(self, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"select id, number, row from rows where id in ({marks})"
            found |= {id: (number, row) for id, number, row in self._store.all(sql, part)}
        return found


@contextlib.contextmanager
def changed(
    folder: Path, store: Store, settings: Settings, model: Model | None
) -> Iterator[Writer]:
    """A block whose changes hold as a whole once it ends, and not at all on an error.

    Vectors reach the disk before the transaction that says how many are valid.

    Args:
        folder: of the index.
        store: its open file.
        settings: what it says of itself.
        model: that makes its vectors; None where none are made.
    """
    vectors = settings.vectors
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.writing())
        appender = None
        if vectors is not None and model is not None:
            appender = stack.enter_context(
                appending(folder / vectors.file, vectors.count, vectors.width)
            )
        writer = Writer(store, settings, model, appender)
        yield writer
        writer.settle()


def _parts(items: Iterable[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    characters = 0
    for item in items:
        part.append(item)
        characters += sum(len(str(value)) for value in (item.values or {}).values())
        if len(part) >= CHUNK or characters >= _CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part
