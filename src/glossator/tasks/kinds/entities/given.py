"""Entities as a table gives them, checked against their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glossator.tasks.kinds.entities.words import Place
from glossator.tasks.offsets import Unfit, misplaced
from glossator.text.characters import begins_inside_character
from glossator.text.tagging import Span

__all__ = ["entities_of"]


def entities_of(
    items: Sequence[Any], text: str, words: Sequence[Place], *, nested: bool
) -> tuple[Span, ...]:
    """The entities of a text, in order; spaces at their ends are left out.

    Args:
        items: mappings with `start`, `end` and `label`, perhaps with the `text` between.
        text: what they stand in.
        words: of the text.
        nested: whether they may overlap.

    Raises:
        Unfit: one is malformed, outside the text, ends inside a word or a character, or overlaps
            another one where that cannot be.
    """
    spans = sorted({_span(item, number, text) for number, item in enumerate(items, start=1)})
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    for span in spans:
        _refuse_half(span, text, starts, ends)
    if not nested:
        _refuse_overlap(spans)
    return tuple(spans)


def _span(item: Any, number: int, text: str) -> Span:
    if not isinstance(item, Mapping) or not {"start", "end", "label"} <= item.keys():
        raise Unfit(
            "not_an_entity", f"entity {number} is {item!r:.60}; it has no start, end, label"
        )
    start, end, label = item["start"], item["end"], item["label"]
    if not all(isinstance(x, int) and not isinstance(x, bool) for x in (start, end)):
        raise Unfit("not_an_entity", f"entity {number}: start and end are {start!r} and {end!r}")
    if not isinstance(label, str) or not label.strip():
        raise Unfit("not_an_entity", f"entity {number}: its label is {label!r:.60}")
    said = item.get("text")
    if not 0 <= start < end <= len(text) or (isinstance(said, str) and said != text[start:end]):
        raise Unfit("wrong_offset", f"entity {number}: {misplaced(start, end, said, text)}")
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        raise Unfit("not_an_entity", f"entity {number} is nothing but spaces")
    return Span(start, end, label)


def _refuse_half(span: Span, text: str, starts: set[int], ends: set[int]) -> None:
    said = f"'{span.label}' at {span.start} to {span.end}"
    for place in (span.start, span.end):
        if begins_inside_character(text, place):
            raise Unfit("half_character", f"{said} ends in the middle of a character")
    if span.start not in starts or span.end not in ends:
        around = text[max(0, span.start - 10) : span.end + 10]
        raise Unfit(
            "half_word",
            f"{said} ends inside a word of {around!r}; mark whole words, or give words and tags",
        )


def _refuse_overlap(spans: Sequence[Span]) -> None:
    last: Span | None = None
    for span in spans:
        if last is not None and span.start < last.end:
            raise Unfit(
                "overlap",
                f"'{last.label}' at {last.start} to {last.end} and '{span.label}' at {span.start} "
                f"to {span.end} overlap; --decoder spans learns such entities",
            )
        if last is None or span.end > last.end:
            last = span
