"""The words of a text: what a tag is given to, so that no entity ends inside one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glossator.text.characters import begins_inside_character

__all__ = ["Place", "edge_words", "fine_words"]

Place = tuple[int, int]
"""Half-open characters of a text."""

# Scripts that are written without spaces: a character is a word.
_ALONE = (
    "\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff"  # Thai, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Chinese
    "\U00020000-\U0003ffff"
)
# A longer run is no word: it is cut, so that it fits into a window.
_LONGEST = 100

_FINE = re.compile(rf"[{_ALONE}]|(?:(?![{_ALONE}])\w)+|[^\w\s]")
# Letters with points between (U.S.), or letters and digits with marks inside (all-rounder, 3.5).
_EDGE = re.compile(
    rf"[{_ALONE}]|(?:[^\W\d_]\.){{2,}}|"
    rf"(?:(?![{_ALONE}])\w)+(?:[-.,:/&@_](?:(?![{_ALONE}])\w)+)*|[^\w\s]"
)


def fine_words(text: str) -> list[Place]:
    """The words of a text, each mark of punctuation and each Chinese character by itself.

    Words cover all that is not white space, in order; none ends inside a character that is made of
    several (a letter with its accents, an emoji of a family).
    """
    return list(_cut(text, _FINE))


def edge_words(text: str) -> list[Place]:
    """As `fine_words`, but marks inside a word stay in it: `U.S.`, `all-rounder`, `1996-08-30`.

    It cuts a text about as the tables do that give words: CoNLL's among them.
    """
    return list(_cut(text, _EDGE))


def _cut(text: str, pattern: re.Pattern[str]) -> Iterator[Place]:
    start = end = -1
    for found in pattern.finditer(text):
        first, last = found.span()
        if first == end and begins_inside_character(text, first):
            end = last
            continue
        yield from _pieces(text, start, end)
        start, end = first, last
    yield from _pieces(text, start, end)


def _pieces(text: str, start: int, end: int) -> Iterator[Place]:
    """A word, in pieces if it is very long."""
    if start < 0:
        return
    while end - start > _LONGEST:
        cut = start + _LONGEST
        while cut < end and begins_inside_character(text, cut):
            cut += 1
        yield start, cut
        start = cut
    if start < end:
        yield start, end
