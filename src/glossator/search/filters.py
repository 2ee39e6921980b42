"""Conditions on the columns of a row, as SQL with bound values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glossator.errors import ColumnError, ConfigError, did_you_mean
from glossator.text.columns import matching

__all__ = ["Condition", "conditions", "number_in"]

_WRITTEN = re.compile(r"\s*(?P<column>.*?)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*", re.S)
# A cell as text; SQLite has 1 and 0 for true and false.
_TEXT = "case cell.type when 'true' then 'true' when 'false' then 'false' else cell.atom || '' end"


@dataclass(frozen=True)
class Condition:
    """What a row must meet.

    Attributes:
        sql: is true of a row of the table `rows`.
        values: bound to its marks, in order.
    """

    sql: str = "true"
    values: tuple[Any, ...] = ()

    def __bool__(self) -> bool:
        return self.sql != "true"


def conditions(written: Sequence[str], columns: Sequence[str], index: str) -> Condition:
    """All conditions as one.

    `=` and `!=` compare texts; the others compare numbers where the value is one, and what is no
    number does not meet them; else texts, as dates are written (2024-05-31).

    Args:
        written: `COLUMN=VALUE`, also with `!=`, `<`, `<=`, `>` or `>=`.
        columns: that rows have.
        index: its name in messages.

    Raises:
        ConfigError: one is written otherwise.
        ColumnError: there is no such column.
    """
    found = [_condition(one, columns, index) for one in written]
    if not found:
        return Condition()
    sql = " and ".join(each.sql for each in found)
    return Condition(sql, tuple(value for each in found for value in each.values))


def number_in(value: Any) -> float | None:
    """The number that a cell holds, also as text; None where it holds none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _condition(written: str, columns: Sequence[str], index: str) -> Condition:
    parts = _WRITTEN.fullmatch(written)
    if parts is None or not parts["column"]:
        raise ConfigError(
            f"--where is {written!r}; expected COLUMN=VALUE, or with !=, <, <=, > or >="
        )
    column, sign, value = matching(parts["column"], columns), parts["sign"], parts["value"]
    if column not in columns:
        hint = did_you_mean(column, columns)
        has = ", ".join(columns)
        raise ColumnError(f"column '{column}' is not in {index}; it has: {has}{hint}")
    number = number_in(value)
    if sign in ("=", "!="):
        test, bound = f"({_TEXT}) = ?", value
    elif number is not None:
        test, bound = f"number_in(cell.atom) {sign} ?", number
    else:
        test, bound = f"({_TEXT}) {sign} ?", value
    met = "not exists" if sign == "!=" else "exists"
    sql = f"{met} (select 1 from json_each(rows.row) as cell where cell.key = ? and {test})"
    return Condition(sql, (column, bound))
