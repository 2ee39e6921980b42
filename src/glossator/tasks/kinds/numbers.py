"""Numbers as tables have them, for the kinds that learn one of a text or of a pair."""

from __future__ import annotations

import math
from decimal import Decimal

from glossator.text.columns import named_value, read_text, rejected
from glossator.text.rows import Rejection, Row

__all__ = ["read_number"]


def read_number(row: Row, column: str) -> float | Rejection:
    """The number that a row has in a column, finite; from a text as from a number."""
    value = row.values.get(column)
    if isinstance(value, str):
        text = read_text(row, (column,), "label")
        if isinstance(text, Rejection):
            return text
        try:
            value = float(text) if "_" not in text else None
        except ValueError:
            value = None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number):
            return number
    got = named_value(row.values[column]) if column in row.values else "nothing"
    got = repr(row.values[column]) if isinstance(row.values.get(column), str) else got
    message = f"column '{column}' holds {got:.60}; expected a number such as 3 or 0.25"
    return rejected(row, "not_a_number", message)
