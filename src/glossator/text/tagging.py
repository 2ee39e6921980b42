"""Spans of a text as one tag a token, and back: the schemes BIO, BIOES and IO.

A tag is `O`, or a prefix, a hyphen and a label: `B-place`. Ramshaw and Marcus 1995, "Text chunking
using transformation-based learning" (BIO); Ratinov and Roth 2009, "Design challenges and
misconceptions in named entity recognition" (BIOES, there BILOU).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glossator.errors import TextError

__all__ = [
    "Scheme",
    "Span",
    "Transitions",
    "scheme_of",
    "spans_of",
    "tag_names",
    "tags_of",
    "transitions",
]

Scheme = Literal["BIO", "BIOES", "IO"]

# Other letters for the same places: BILOU says L and U, BMES says M, BMEWO says W.
_PREFIXES = dict.fromkeys("BIES") | {"L": "E", "U": "S", "M": "I", "W": "S"}
_OF_SCHEME: dict[Scheme, str] = {"BIO": "BI", "BIOES": "BIES", "IO": "I"}


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of a text, half-open, in tokens or characters as the caller says.

    Attributes:
        start: the first unit.
        end: the unit after the last one, above `start`.
        label: what it is.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Transitions:
    """Which tags may follow which; C is the number of tags.

    Attributes:
        between: (C, C) bool, whether the tag across may follow the tag down.
        start: (C,) bool, whether a text may begin with the tag.
        end: (C,) bool, whether a text may end with it.
    """

    between: NDArray[np.bool_]
    start: NDArray[np.bool_]
    end: NDArray[np.bool_]


def scheme_of(rows: Iterable[Sequence[str]]) -> Scheme:
    """The scheme that rows of tags are written in.

    BILOU and BMES are BIOES by other letters. IOB1, where `B-` stands only between touching spans,
    comes out as BIO, or as IO where nothing touches, and `spans_of` reads it rightly all the same.
    Rows without any span are BIO.

    Args:
        rows: the tags of each text.

    Raises:
        TextError: something is no tag; the message names it and its row, counted from 1.
    """
    tags: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        for tag in row:
            tags.setdefault(tag, number)
    prefixes = {_split(tag, number)[0] for tag, number in tags.items()}
    if prefixes & {"E", "S"}:
        return "BIOES"
    return "IO" if prefixes - {"O"} == {"I"} else "BIO"


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of one text mean, in order; units are the tags.

    Every sequence is read, as the scorer of CoNLL-2000 does it: a tag whose label differs from the
    one before it begins a span, and so does `I-` after `O`, `E-` or `S-`. The reading is the same
    for all schemes.

    Raises:
        TextError: something is no tag.
    """
    spans: list[Span] = []
    start, before, label = 0, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, name = _split(tag)
        joins = prefix in {"I", "E"} and before in {"B", "I"} and name == label
        if not joins:
            if before != "O":
                spans.append(Span(start, place, label))
            start = place
        before, label = prefix, name
    return spans


def tags_of(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """The tags of a text of `length` tokens that say where its `spans` are.

    `spans_of` gives the spans back, but for IO, which makes one of two that touch and are alike.

    Raises:
        TextError: a span is empty, lies outside the text, or overlaps another one.
    """
    tags = ["O"] * length
    last: Span | None = None
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length:
            raise TextError(f"{_say(span)} is no span of a text of {length} tokens")
        if last is not None and span.start < last.end:
            raise TextError(
                f"{_say(last)} and {_say(span)} overlap; one tag a token cannot say both"
            )
        prefixes = _spelled(span.end - span.start, scheme)
        tags[span.start : span.end] = [f"{prefix}-{span.label}" for prefix in prefixes]
        last = span
    return tags


def tag_names(labels: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags of a scheme: `O`, then those of each label."""
    return ("O", *(f"{prefix}-{label}" for label in labels for prefix in _OF_SCHEME[scheme]))


def transitions(tags: Sequence[str], scheme: Scheme) -> Transitions:
    """Which of C tags may follow which, so that they mean spans without any leniency.

    Args:
        tags: names as of `tag_names`, or by the other letters of the same places.
        scheme: what they are written in.

    Raises:
        TextError: something is no tag.
    """
    split = [_split(tag) for tag in tags]
    # In IO a span begins and ends wherever its tags do.
    inside = np.array([scheme != "IO" and prefix in {"I", "E"} for prefix, _ in split], bool)
    open_ended = np.array([scheme == "BIOES" and prefix in {"B", "I"} for prefix, _ in split], bool)
    holds = np.array([prefix in {"B", "I"} for prefix, _ in split], bool)
    labels = np.array([label for _, label in split])
    joined = holds[:, None] & inside[None] & (labels[:, None] == labels[None])
    apart = ~open_ended[:, None] & ~inside[None]
    return Transitions(between=joined | apart, start=~inside, end=~open_ended)


def _split(tag: str, row: int | None = None) -> tuple[str, str]:
    """Prefix, in the letters of BIOES, and label; those of `O` are `O` and nothing."""
    if tag == "O":
        return "O", ""
    prefix, _, label = tag.partition("-")
    if not label or prefix not in _PREFIXES:
        where = "" if row is None else f"row {row}: "
        raise TextError(f"{where}'{tag}' is no tag; expected O, or B-, I-, E- or S- and a label")
    return _PREFIXES[prefix] or prefix, label


def _spelled(length: int, scheme: Scheme) -> str:
    """The prefixes of a span of `length` tokens."""
    if scheme == "IO":
        return "I" * length
    if scheme == "BIO":
        return "B" + "I" * (length - 1)
    return "S" if length == 1 else "B" + "I" * (length - 2) + "E"


def _say(span: Span) -> str:
    return f"'{span.label}' from {span.start} to {span.end}"
