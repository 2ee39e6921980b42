"""Strangers' text made safe for a terminal."""

from __future__ import annotations

import re

__all__ = ["one_line", "shortened"]

_BREAKS = re.compile(r"[^\S ]+")


def one_line(text: str) -> str:
    r"""`text` in one line; what does not print, escape sequences among it, is written as `\x1b`."""
    line = _BREAKS.sub(" ", text)
    return line if line.isprintable() else "".join(map(_printable, line))


def shortened(text: str, length: int) -> str:
    """The beginning of `text` in one line of at most `length` characters, runs of space as one."""
    line = one_line(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length and len(text) <= 4 * length else f"{line[: length - 1]}…"


def _printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
