"""A text with coloured, named marks, as HTML.

Marks may overlap and nest in any way, and elements may not. So the text is cut wherever a mark
begins or ends, and each piece is wrapped by itself in all the marks that lie over it, the longest
outermost; a mark's name stands after its last piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from markupsafe import Markup, escape

from glossator.artifact.axes import joined
from glossator.evaluation.figures import Mark, Quote

__all__ = ["looks_of", "marked_text"]

_COLOURS = 7
_BEFORE = 120  # characters before the first mark that is to be seen, where a text is cut
_NAME = 40

_MARK = Markup('<mark class="{look}">{body}{tag}</mark>')
_TAG = Markup('&nbsp;<small class="tag">{name}</small>')  # no line ends between the two
_TOLD = {"right": "", "missed": " missed", "wrong": " wrong"}


def looks_of(quotes: Iterable[Quote]) -> dict[str, str]:
    """A colour, as a class of the style sheet, for each class that is marked, by its name."""
    names = sorted({mark.label for quote in quotes for mark in quote.marks})
    return {name: f"m{number % _COLOURS + 1}" for number, name in enumerate(names)}


def marked_text(quote: Quote, looks: dict[str, str], length: int) -> Markup:
    """The text of `quote` with its marks; of a long text, `length` characters around a mistake.

    Args:
        quote: its marks may reach beyond the text.
        looks: of `looks_of`.
        length: characters that are shown at most.
    """
    text, marks = _around_mistake(quote, length)
    marks = sorted(marks, key=lambda mark: (mark.start, -mark.end))
    cuts = sorted({0, len(text), *(at for mark in marks for at in (mark.start, mark.end))})
    cuts = [at for at in cuts if 0 <= at <= len(text)]
    pieces = [
        _piece(text, start, end, [m for m in marks if m.start <= start and end <= m.end], looks)
        for start, end in pairwise(cuts)
    ]
    return joined(pieces)


def _around_mistake(quote: Quote, length: int) -> tuple[str, Sequence[Mark]]:
    """A text that is short enough, and where its marks are in it."""
    text, marks = quote.text, quote.marks
    if len(text) <= length:
        return text, marks
    mistakes = [mark.start for mark in marks if mark.kind != "right"]
    first = max(0, min(mistakes, default=0) - _BEFORE)
    before, after = "…" * (first > 0), "…" * (first + length < len(text))
    shown = f"{before}{text[first : first + length]}{after} ({len(text):,} characters)"
    moved = len(before) - first
    last = len(before) + min(length, len(text) - first)
    kept = (replace(m, start=m.start + moved, end=m.end + moved) for m in marks)
    return shown, [
        replace(m, start=max(m.start, len(before)), end=min(m.end, last))
        for m in kept
        if m.end > len(before) and m.start < last
    ]


def _piece(text: str, start: int, end: int, over: Sequence[Mark], looks: dict[str, str]) -> Markup:
    body = escape(text[start:end])
    for mark in reversed(over):
        look = [looks[mark.label], mark.kind]
        look += ["from"] * (mark.start == start) + ["to"] * (mark.end == end)
        tag = _tag(mark) if mark.end == end else Markup()
        body = _MARK.format(look=" ".join(look), body=body, tag=tag)
    return body


def _tag(mark: Mark) -> Markup:
    return _TAG.format(name=f"{mark.label[:_NAME]}{_TOLD[mark.kind]}")
