"""Personal data of a text, hidden behind what it is: `write to [EMAIL]`.

What a machine can check is found by its form and its check digits; the name of a person only by a
model (`names`). It errs on the side of hiding: a number that looks like a telephone's is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from glossator.text.personal_numbers import (
    accounts,
    cards,
    identities,
    internet_addresses,
    mail_addresses,
    telephones,
)
from glossator.text.postal_addresses import postal_addresses
from glossator.text.tagging import Span

__all__ = ["KINDS", "Masked", "NameFinder", "hidden", "mask"]

NameFinder: TypeAlias = Callable[[str], Iterable[tuple[int, int]]]
"""The names of persons in a text, each by its first character and the one after its last."""

_Found: TypeAlias = tuple[int, int, int]  # start, end, and the place of its kind in `KINDS`

KINDS = ("EMAIL", "IBAN", "IDENTITY", "CARD", "IP", "ADDRESS", "PHONE", "NAME")
"""What is hidden. Of two that overlap the one that stands before is the kind."""

_FINDERS: Sequence[Callable[[str], Iterable[tuple[int, int]]]] = (
    mail_addresses,
    accounts,
    identities,
    cards,
    internet_addresses,
    postal_addresses,
    telephones,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data.

    Attributes:
        text: with placeholders, such as `[EMAIL]`.
        found: what they stand for, by the characters of the original, from left to right.
    """

    text: str
    found: tuple[Span, ...]


def mask(text: str, names: NameFinder | None = None) -> Masked:
    """Hide the personal data of a text.

    Args:
        text: any; time grows with its length alone.
        names: finds the names of persons; without it they stay.
    """
    finders = (*_FINDERS, *((names,) if names else ()))
    found = [
        (start, end, kind)
        for kind, finder in enumerate(finders)
        for start, end in finder(text)
        if start < end
    ]
    spans = tuple(Span(start, end, KINDS[kind]) for start, end, kind in _joined(found))
    return Masked(hidden(text, spans), spans)


def hidden(text: str, spans: Iterable[Span], start: int = 0) -> str:
    """A text with placeholders for spans.

    Args:
        text: the text, or a stretch of it.
        spans: that do not overlap, from left to right, by the characters of the whole.
        start: where the stretch begins in the whole.
    """
    parts, at = [], 0
    for span in spans:
        first, last = max(0, span.start - start), min(len(text), span.end - start)
        if first < last:
            parts += [text[at:first], f"[{span.label}]"]
            at = last
    return "".join([*parts, text[at:]])


def _joined(found: list[_Found]) -> list[_Found]:
    """Stretches from left to right; those that overlap are one, of the first of their kinds."""
    joined: list[_Found] = []
    for start, end, kind in sorted(found):
        if joined and start < joined[-1][1]:
            first, last, other = joined.pop()
            joined.append((first, max(last, end), min(kind, other)))
        else:
            joined.append((start, end, kind))
    return joined
