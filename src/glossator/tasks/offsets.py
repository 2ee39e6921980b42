"""Places in a text as a table gives them, which may be counted in other units than characters."""

from __future__ import annotations

from typing import Any

__all__ = ["Unfit", "counted_in", "misplaced"]

_UNITS = (("bytes", "utf-8", 1), ("UTF-16 units", "utf-16-le", 2))


class Unfit(Exception):
    """What a table marks in a text cannot be used.

    Attributes:
        kind: the reason in snake case.
    """

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


def counted_in(text: str, start: int, end: int | None, said: Any) -> str:
    """The units in which offsets fit that do not fit in characters; empty where none do.

    Args:
        text: what they stand in.
        start: of the first unit.
        end: of the unit after the last one; None: as long as `said`.
        said: what should stand there; None: anything that is whole characters.
    """
    for unit, coding, size in _UNITS:
        data = text.encode(coding, "surrogatepass")
        stop = (
            start + len(str(said).encode(coding, "surrogatepass")) // size if end is None else end
        )
        there = data[size * start : size * stop].decode(coding, errors="replace")
        right = there == said if isinstance(said, str) else bool(there) and "\ufffd" not in there
        if right and 0 <= start < stop and size * stop <= len(data):
            return unit
    return ""


def misplaced(start: int, end: int, said: Any, text: str) -> str:
    """What is wrong with offsets, and in which units they may be counted.

    Args:
        start: of the first character, as a table has it.
        end: of the character after the last one.
        said: what should stand there.
        text: in which it does not.
    """
    given = f"characters {start} to {end}"
    if not 0 <= start < end <= len(text):
        message = f"{given} are not in a text of {len(text)}"
    else:
        message = f"{given} are {text[start:end]!r:.60}, expected {said!r:.60}"
    unit = counted_in(text, start, end, said)
    return f"{message}; they look counted in {unit}, count characters" if unit else message
