"""Columns by name: is it there, and what text does a row hold in it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from glossator.errors import ColumnError, did_you_mean
from glossator.text.rows import Rejection, Row, Table

__all__ = [
    "check_columns",
    "check_header",
    "is_blank",
    "matching",
    "named_value",
    "read_text",
    "rejected",
    "resolved",
    "select",
    "text_of",
    "tidy_header",
]

_SHOWN = 20  # columns in an error message; a table may have thousands
_BLANK = {"Cc", "Cf", "Zl", "Zp", "Zs"}  # control, format (zero width), separators


def check_header(names: Sequence[str], file: str, line: int | None = None) -> tuple[str, ...]:
    """The column names of a table that may be read.

    Raises:
        ColumnError: a name is empty, doubled, or is `prediction`, which the answers are written to.
    """
    for number, name in enumerate(names, start=1):
        if not name.strip():
            message = (
                f"column {number} of the header has no name (pandas writes such a column for its "
                "index; index=False leaves it out)"
            )
            raise ColumnError(message, file=file, line=line)
        if names.index(name) != number - 1:
            message = f"column '{name}' is twice in the header"
            raise ColumnError(message, file=file, line=line)
    if "prediction" in names:
        message = "column 'prediction' is where answers are written; rename it"
        raise ColumnError(message, file=file, line=line)
    return tuple(names)


def tidy_header(names: Sequence[str], note: Callable[[str], None]) -> list[str]:
    """The names of a header without spaces round them; a first one that is missing gets a name.

    Args:
        names: as they stand in the file.
        note: is told what was changed.
    """
    tidy = [name.strip() for name in names]
    if any(name and name != old for name, old in zip(tidy, names, strict=True)):
        note("spaces round the names of columns are left out")
    if len(tidy) > 1 and not tidy[0]:
        tidy[0] = next(name for name in map(_index_name, count()) if name not in tidy)
        note(f"column 1 has no name, as pandas writes its index; here it is called '{tidy[0]}'")
    return tidy


def _index_name(number: int) -> str:
    return f"index_{number}" if number else "index"


def matching(name: str, columns: Sequence[str]) -> str:
    """The column called `name`, or the only one that differs from it by case alone."""
    if name in columns:
        return name
    alike = [column for column in columns if column.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else name


def resolved(columns: Mapping[str, Sequence[str]], table: Table) -> dict[str, tuple[str, ...]]:
    """Columns by role as the table calls them; a note says where only the case differs."""
    found = {}
    for role, names in columns.items():
        found[role] = tuple(matching(name, table.columns) for name in names)
        for name, here in zip(names, found[role], strict=True):
            note = f"{table.path}: column '{here}' is read as '{name}'"
            if name != here and note not in table.notes:
                table.notes.append(note)
    return found


def check_columns(table: Table, wanted: Iterable[str]) -> None:
    """Check that `table` has every column of `wanted`.

    A JSON Lines table without one good row has no columns to check: each of its lines is rejected
    by name when it is read.

    Raises:
        ColumnError: a column is missing; the message lists the columns and the nearest name.
    """
    missing = [name for name in wanted if name not in table.columns]
    if missing and table.columns:
        raise ColumnError(
            f"column '{missing[0]}' is not in {table.path}; it has: {_listed(table.columns)}"
            + did_you_mean(missing[0], table.columns)
            + _separator_hint(table.columns)
        )


def select(row: Row, columns: Sequence[str]) -> str | Rejection:
    """The text of `row` in `columns`, joined with a newline where there are several.

    Numbers become their text, true and false become `true` and `false`. A missing column, null, a
    list or an object makes the row a Rejection (`missing_column`, `not_text`).
    """
    parts = []
    for name in columns:
        if name not in row.values:
            return rejected(row, "missing_column", f"the row has no column '{name}'")
        part = text_of(row.values[name])
        if part is None:
            got = named_value(row.values[name])
            return rejected(row, "not_text", f"column '{name}' holds {got}; expected text")
        parts.append(part)
    return "\n".join(parts)


def read_text(row: Row, columns: Sequence[str], what: str = "text") -> str | Rejection:
    """As `select`, and a Rejection (`empty_text`) where that shows nothing."""
    text = select(row, columns)
    if isinstance(text, str) and is_blank(text):
        return rejected(row, f"empty_{what}", f"the {what.replace('_', ' ')} is empty")
    return text


def is_blank(text: str) -> bool:
    """Whether `text` shows nothing: only spaces, controls and characters of zero width."""
    return all(unicodedata.category(char) in _BLANK for char in text)


def rejected(row: Row, kind: str, message: str) -> Rejection:
    """A row as one that cannot be used, see `Rejection`."""
    return Rejection(row.source, row.line, kind, message, row.values)


def text_of(value: Any) -> str | None:
    """The text that a value is, see `select`; None where it is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return str(value)
    return None


def named_value(value: Any) -> str:
    """What a value is, in the words of a message."""
    names = {type(None): "null", list: "a list", dict: "an object"}
    return names.get(type(value), f"{value} ({type(value).__name__})")


def _listed(columns: Sequence[str]) -> str:
    names = ", ".join(name if len(name) <= 60 else f"{name[:60]}..." for name in columns[:_SHOWN])
    more = len(columns) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _separator_hint(columns: Sequence[str]) -> str:
    """What is likely wrong where a whole header became one column."""
    found = next((mark for mark in "\t;|," if len(columns) == 1 and mark in columns[0]), None)
    shown = "tab" if found == "\t" else f"'{found}'"
    return f"; the columns look separated by {shown}: --delimiter {shown}" if found else ""
