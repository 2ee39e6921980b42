"""Columns by name: is it there, and what text does a row hold in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from glossator.errors import ColumnError, did_you_mean
from glossator.text.rows import Item, Rejection, Row, Table

__all__ = ["LabelledText", "check_columns", "check_header", "labelled_texts", "select"]

_SHOWN = 20  # columns in an error message; a table may have thousands


class LabelledText(NamedTuple):
    """A row with its text and its label read out; the label is empty in a table without labels."""

    row: Row
    text: str
    label: str


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
            return _rejected(row, "missing_column", f"the row has no column '{name}'")
        part = _text(row.values[name])
        if part is None:
            got = _named(row.values[name])
            return _rejected(row, "not_text", f"column '{name}' holds {got}; expected text")
        parts.append(part)
    return "\n".join(parts)


def labelled_texts(
    items: Iterable[Item], text: Sequence[str], label: str | None
) -> Iterator[LabelledText | Rejection]:
    """Read text and label out of each row of `items`; rejections pass through.

    Args:
        items: a table, or any rows and rejections.
        text: the text columns.
        label: the label column; None leaves every label empty.
    """
    for item in items:
        if isinstance(item, Rejection):
            yield item
            continue
        words = select(item, text)
        name = "" if label is None else select(item, (label,))
        if isinstance(words, Rejection):
            yield words
        elif isinstance(name, Rejection):
            yield name
        else:
            yield LabelledText(item, words, name)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return str(value)
    return None


def _named(value: Any) -> str:
    names = {type(None): "null", list: "a list", dict: "an object"}
    return names.get(type(value), f"{value} ({type(value).__name__})")


def _rejected(row: Row, kind: str, message: str) -> Rejection:
    return Rejection(row.source, row.line, kind, message, row.values)


def _listed(columns: Sequence[str]) -> str:
    names = ", ".join(name if len(name) <= 60 else f"{name[:60]}..." for name in columns[:_SHOWN])
    more = len(columns) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _separator_hint(columns: Sequence[str]) -> str:
    """What is likely wrong where a whole header became one column."""
    if len(columns) != 1:
        return ""
    if "\t" in columns[0]:
        return "; the columns look separated by tabs: --format tsv"
    return "; the columns look separated by ';', expected ','" if ";" in columns[0] else ""
