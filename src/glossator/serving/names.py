"""Names of models, which stand in paths of HTTP and of files."""

from __future__ import annotations

import unicodedata

from glossator.errors import InputError

__all__ = ["checked_name"]

_LONGEST = 200  # bytes; file systems take 255
_MARKS = "-_."


def checked_name(name: str) -> str:
    """The name, which is one plain component of a path and looks like no other.

    Raises:
        InputError: it is empty or too long, begins with a dot, or holds anything but letters,
            digits, `-`, `_` and `.`, or a letter that is another one in disguise (full width).
    """
    plain = all(letter.isalnum() or letter in _MARKS for letter in name)
    same = unicodedata.normalize("NFKC", name) == name
    if not name or not plain or not same or name[0] == "." or len(name.encode()) > _LONGEST:
        raise InputError(
            f"model name {name[:40]!r} may have letters, digits, '-', '_' and '.', begins with "
            f"another than '.', and is at most {_LONGEST} bytes long"
        )
    return name
