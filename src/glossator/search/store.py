"""The rows of an index, their words, and what belongs to whom: one SQLite file, the truth."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.errors import OutputBusyError, SearchIndexError
from glossator.search.config import Kept
from glossator.search.cutting import TOKENIZER
from glossator.search.filters import number_in
from glossator.text.answer_lines import json_text

__all__ = ["FILE", "Settings", "Store", "VectorSettings", "is_index", "row_text"]

FILE = "index.sqlite"

_APPLICATION = 0x474C6F53  # "GloS", in the header of the file
_FORMAT = 1
_SCHEMA = f"""
create table settings (name text primary key, value text not null) without rowid;
create table rows (number integer primary key autoincrement, id text not null unique,
    row text not null);
create virtual table words using fts5 (text, tokenize = '{TOKENIZER}');
create virtual table terms using fts5vocab (words, row);
create table vectors (slot integer primary key, row integer not null, start integer not null,
    stop integer not null);
create index vectors_of_rows on vectors (row);
create table dead (slot integer primary key);
pragma application_id = {_APPLICATION};
pragma user_version = {_FORMAT};
"""
_WAIT = 60.0  # seconds for another connection to let go; writers hold a lock of their own


@dataclass(frozen=True, kw_only=True)
class VectorSettings:
    """What an index says of its vectors.

    Attributes:
        model: a starter name, or where the model folder lay.
        version: of the model, see `artifact.manifest.version_of`.
        width: of a vector.
        kept: what has one.
        file: that holds them.
        count: how many of that file are valid; what follows was never acknowledged.
        graph: the file by which they are found approximately; None: there is none.
        in_graph: how many of the first vectors that knows.
    """

    model: str
    version: str
    width: int
    kept: Kept
    file: str
    count: int = 0
    graph: str | None = None
    in_graph: int = 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an index says of itself.

    Attributes:
        text: columns of the texts.
        id: column that names a row; None: rows are counted.
        columns: all that a row may have.
        vectors: None where words alone are indexed.
        revision: counts what was written.
        made: when, as ISO 8601 in UTC; empty in an index of an older version.
        made_by: the version of glossator; empty likewise.
    """

    text: tuple[str, ...]
    id: str | None = None
    columns: tuple[str, ...] = ()
    vectors: VectorSettings | None = None
    revision: int = 0
    made: str = ""
    made_by: str = ""


def is_index(folder: Path) -> bool:
    """Whether a folder is a search index, or what is left of one."""
    return (folder / FILE).is_file() or _is_rest(folder)


def _is_rest(folder: Path) -> bool:
    """Whether a folder holds what belongs to an index."""
    return any(next(folder.glob(x), None) for x in ("vectors-*.f32", "graph-*.usearch"))


class Store:
    """An open index file.

    Args:
        folder: of the index.
        connection: to its file.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection):
        self.folder, self.path, self._connection = folder, folder / FILE, connection
        connection.create_function("number_in", 1, number_in, deterministic=True)

    @classmethod
    def create(cls, folder: Path, settings: Settings) -> Store:
        """An index without rows, in a folder that is there."""
        with _errors_told(folder / FILE):
            store = cls(folder, _connected(folder / FILE, "rwc"))
            store.execute("pragma journal_mode = wal")
            store.execute("pragma synchronous = full")
            store._connection.executescript(_SCHEMA)
            store.write_settings(settings)
        return store

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Store:
        """An index that is there.

        Raises:
            SearchIndexError: there is none, or it is damaged, or of a newer format.
        """
        path = folder / FILE
        if not path.is_file():
            if _is_rest(folder):
                raise SearchIndexError(f"{folder} is the rest of a search index: {FILE} is missing")
            what = "is no search index" if folder.exists() else "does not exist"
            raise SearchIndexError(f"{folder} {what}; `glossator index` makes one")
        with _errors_told(path):
            store = cls(folder, _connected(path, "rw" if write else "ro"))
            try:
                store._check()
            except BaseException:
                store.close()
                raise
            if write:
                store.execute("pragma synchronous = full")
        return store

    def _check(self) -> None:
        (application,) = self.one("pragma application_id")
        (format,) = self.one("pragma user_version")
        if application != _APPLICATION:
            raise SearchIndexError("is no file of a search index", file=self.path)
        if format != _FORMAT:
            raise SearchIndexError(
                f"the index has format {format}, this version reads {_FORMAT}; "
                "a newer glossator may have written it",
                file=self.path,
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement.

        Raises:
            OSError: the disk is full or fails.
            SearchIndexError: the file is damaged.
        """
        with _errors_told(self.path):
            return self._connection.execute(sql, values)

    def many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `values`; errors are those of `execute`."""
        with _errors_told(self.path):
            self._connection.executemany(sql, values)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement finds."""
        with _errors_told(self.path):
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row that a statement finds; None where it finds none."""
        with _errors_told(self.path):
            return self._connection.execute(sql, values).fetchone()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """A block that sees one state of the file, whoever writes meanwhile."""
        self.execute("begin")
        try:
            yield
        finally:
            self._connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A block that is written as a whole when it ends, and not at all on an error."""
        self.execute("begin immediate")
        try:
            yield
            self.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def settings(self) -> Settings:
        """What the index says of itself.

        Raises:
            SearchIndexError: it says nothing that can be read.
        """
        found = self.one("select value from settings where name = 'index'")
        try:
            values = json.loads(found[0])
            vectors = values["vectors"]
            return Settings(
                text=tuple(values["text"]),
                id=values["id"],
                columns=tuple(values["columns"]),
                vectors=None if vectors is None else VectorSettings(**vectors),
                revision=values["revision"],
                made=values.get("made", ""),
                made_by=values.get("made_by", ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SearchIndexError(f"malformed: {error!r}", file=self.path) from error

    def write_settings(self, settings: Settings) -> None:
        """Have the index say something else of itself."""
        values = vars(settings) | {
            "vectors": None if settings.vectors is None else vars(settings.vectors)
        }
        self.execute("insert or replace into settings values ('index', ?)", (json.dumps(values),))

    def count(self) -> int:
        """How many rows there are."""
        return int(self.one("select count(*) from rows")[0])

    def rows(self, numbers: Sequence[int]) -> dict[int, tuple[str, dict[str, Any]]]:
        """Ids and values of rows by their numbers."""
        found: dict[int, tuple[str, dict[str, Any]]] = {}
        for part in _parts(numbers):
            marks = ",".join("?" * len(part))
            sql = f"select number, id, row from rows where number in ({marks})"
            found |= {number: (id, json.loads(row)) for number, id, row in self.all(sql, part)}
        return found

    def numbers_of(self, slots: Sequence[int]) -> dict[int, int]:
        """The numbers of rows by the slots of their vectors."""
        found: dict[int, int] = {}
        for part in _parts(slots):
            marks = ",".join("?" * len(part))
            sql = f"select slot, row from vectors where slot in ({marks})"
            found |= dict(self.all(sql, part))
        return found


def row_text(values: Mapping[str, Any]) -> str:
    """A row as it is kept."""
    return json_text(dict(values))


def _parts(values: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    where = f"{path.resolve().as_uri()}?mode={mode}"
    if mode == "ro" and not os.access(path.parent, os.W_OK) and not _holds_more(path):
        # Readers share a file beside it; where none can be made, nobody can write either.
        where += "&immutable=1"
    return sqlite3.connect(
        where, uri=True, isolation_level=None, check_same_thread=False, timeout=_WAIT
    )


def _holds_more(path: Path) -> bool:
    """Whether something was written that is not in the file itself yet."""
    more = path.with_name(f"{path.name}-wal")
    return more.is_file() and more.stat().st_size > 0


@contextlib.contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    """What SQLite raises in this block as errors that name the file."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        numbers = {
            sqlite3.SQLITE_FULL: errno.ENOSPC,
            sqlite3.SQLITE_IOERR: errno.EIO,
            sqlite3.SQLITE_READONLY: errno.EROFS,
            sqlite3.SQLITE_CANTOPEN: errno.EACCES,
            sqlite3.SQLITE_PERM: errno.EACCES,
        }
        if code in numbers:
            number = numbers[code]
            raise OSError(number, os.strerror(number), str(path)) from error
        if code == sqlite3.SQLITE_BUSY:
            raise OutputBusyError(f"{path} is held by another process; try again") from error
        lacking = str(error).startswith("no such table")
        if lacking or code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise SearchIndexError(f"is damaged: {error}", file=path) from error
        raise
