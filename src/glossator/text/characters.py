"""Characters as readers see them, of which one may be several of Unicode."""

from __future__ import annotations

import unicodedata

__all__ = ["begins_inside_character"]


def begins_inside_character(text: str, place: int) -> bool:
    """Whether what follows `place` belongs to the character before it."""
    if not 0 < place < len(text):
        return False
    here, before = text[place], text[place - 1]
    joined = "\u200d" in (here, before)  # a joiner of emoji
    modifier = "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f"
    return joined or modifier or unicodedata.category(here) in ("Mn", "Me", "Mc")
