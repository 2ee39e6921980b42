"""What a table is made of: rows, rows that cannot be used, and the table that yields both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from glossator.errors import TableError
from glossator.text.dialect import Dialect

__all__ = ["Beside", "Item", "Reading", "Rejection", "Row", "Table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        source: the file that the row comes from, as the user named it.
        line: the line of that file, from 1, on which the row starts (Parquet: the row's number).
        values: the value of each column; from CSV, TSV and text always a string, never changed.
    """

    source: str
    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cannot be used, by name.

    Args:
        source: the file that the row comes from, as the user named it.
        line: the line of that file, from 1, on which the row starts.
        kind: the reason in snake case, e.g. `ragged`, `bad_json`, `lone_surrogate`, `empty_text`.
        message: the reason in one sentence.
        values: what could be read of the row, or None.
    """

    source: str
    line: int
    kind: str
    message: str
    values: dict[str, Any] | None = None

    @property
    def blank(self) -> bool:
        """Whether nothing is wrong but that a text, or one of a pair, shows nothing."""
        return self.kind.startswith("empty_text")

    def to_error(self) -> dict[str, Any]:
        """The object that stands under `error` beside a prediction of null."""
        return {"kind": self.kind, "message": self.message, "line": self.line}


Item: TypeAlias = Row | Rejection
Reading: TypeAlias = tuple[tuple[str, ...], Iterator[Item]]  # the columns, and what follows


class Table:
    """A table that streams: each iteration reads the file again, row by row.

    Rows in the file = rows + rejections yielded; only blank lines of CSV, TSV and JSON Lines
    are neither, and a note says so. Standard input and pipes can be iterated once.

    Args:
        path: the table's name in messages; a file, `-`, or several files with commas between.
        begin: starts a reading; returns the columns and an iterator over rows and rejections.
        notes: what reading found worth saying (a byte order mark, an encoding, blank lines); the
            readers append to it while they go.
        once: true where `begin` can be called only once.
        dialect: how a delimited file is written; None for others.

    Attributes:
        columns: the names in the header or schema; for JSON Lines the keys of the first good row,
            and empty if there is none.
        options: what the file itself says of what is learned from it, by option.
        beside: the tables of `dev` and `test` rows that it names.
        files: those that it is made of, where it only names them.
    """

    def __init__(
        self,
        path: str,
        begin: Callable[[], Reading],
        notes: list[str],
        *,
        once: bool = False,
        dialect: Dialect | None = None,
    ) -> None:
        self.path = path
        self.dialect = dialect
        self.notes = notes
        self._begin = begin
        self.once = once
        self.options: Mapping[str, Any] = {}
        self.beside: dict[str, Beside] = {}
        self.files: tuple[str, ...] = ()
        self.columns, items = begin()
        self._first: Iterator[Item] | None = items if once else None

    def __iter__(self) -> Iterator[Item]:
        if not self.once:
            return self._begin()[1]
        if self._first is None:
            raise TableError("a stream can be read only once; save it to a file", file=self.path)
        items, self._first = self._first, None
        return items


@dataclass(frozen=True)
class Beside:
    """A table of rows of another part.

    Attributes:
        table: the rows.
        sources: the files of training rows of which no others are taken for that part.
    """

    table: Table
    sources: frozenset[str]
