"""How scores are put into words, the same in report, model card and terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from glossator.evaluation.figures import Cell, Column, Measure

__all__ = ["bar", "cell", "duration", "interval", "measure", "power_of_ten", "with_value"]


def measure(scores: Mapping[str, Any], of: Measure) -> str:
    """One score as it is printed; a dash where it is not defined."""
    value = scores.get(of.name)
    return "–" if value is None else _number(value, of.unit)


def interval(scores: Mapping[str, Any], of: Measure) -> str:
    """The interval of a score such as `91.8–93.1%`, or an empty string."""
    low, high = scores.get(f"{of.name}_ci") or (None, None)
    if low is None or high is None:
        return ""
    first = _number(low, of.unit).removesuffix("%")
    return f"{first}–{_number(high, of.unit)}"


def with_value(
    measures: Iterable[Measure], scores: Mapping[str, Any], most: int | None = None
) -> list[Measure]:
    """The first `most` measures that have a value; None: all that have one."""
    return [each for each in measures if scores.get(each.name) is not None][:most]


def cell(value: Cell, column: Column) -> str:
    """A cell of a table as it is printed; a dash where it is not defined."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else _number(value, column.kind)


def bar(value: Cell) -> float:
    """How much of a bar is filled, in percent; nothing where the value is not defined."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return 100 * min(1.0, max(0.0, value))


def _number(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    if unit in ("share", "bar"):
        return f"{value:.1%}"
    return f"{value:,.0f}" if unit == "count" else f"{value:,.3f}"


def duration(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 5 s` or `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def power_of_ten(value: float) -> str:
    """A number above 0 as `3.1e-4`, or `2e-4`."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"
