"""Rows that are in memory already, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from glossator.errors import ColumnError, TableError
from glossator.text.columns import check_header
from glossator.text.frames import plain_row
from glossator.text.rows import Item, Rejection, Row, Table

__all__ = ["memory_table"]

_NAME = "rows in memory"


def memory_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Mappings by column name as a table, checked as one that is read from a file.

    Args:
        rows: at least one; the first one's keys are the columns.

    Raises:
        ColumnError: the name of a column is no string.
        TableError: a row is no mapping.
    """
    for name in rows[0]:
        _refuse_nameless(name)
    columns = check_header(list(rows[0]), _NAME)
    return Table(_NAME, lambda: (columns, _items(rows)), [])


def _refuse_nameless(name: object) -> None:
    if not isinstance(name, str):
        kind = type(name).__name__
        raise ColumnError(f"{_NAME}: column {name!r} is of type {kind}; expected a string")


def _items(rows: Sequence[Any]) -> Iterator[Item]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            kind = type(row).__name__
            raise TableError(f"row {number} is of type {kind}; expected a mapping by column name")
        values = plain_row(row)
        surrogate = next((name for name, value in values.items() if _is_broken(value)), None)
        if surrogate is None:
            yield Row("row", number, values)
        else:
            message = f"column {surrogate!r} holds half of a surrogate pair"
            yield Rejection("row", number, "lone_surrogate", message)


def _is_broken(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)
