"""Where head and tail stand, as a table gives them, checked against their text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from glossator.tasks.offsets import Unfit, counted_in, misplaced
from glossator.text.characters import begins_inside_character
from glossator.text.columns import named_value, text_of
from glossator.text.findings import excerpt

__all__ = ["Pair", "Place", "place_of", "unmarked"]

Place: TypeAlias = tuple[int, int]
"""Half-open characters of a text."""

_MARKS = re.compile(r"</?e[12]>")
_EXPECTED = "expected a piece of the text, {start, end} or [start, end]"


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and the places of its head and tail; None: those are to be found."""

    text: str
    head: Place | None = None
    tail: Place | None = None


def place_of(value: Any, text: str, name: str) -> Place:
    """The place that a cell names; spaces at its ends are left out.

    Args:
        value: a piece of the text, which stands in it once; a mapping with `start` and `end`,
            perhaps with the `text` between; a list of both; or any of these in JSON.
        text: what it stands in.
        name: of what is placed, `head`, for errors.

    Raises:
        Unfit: the cell holds none of these, the piece stands in the text never or several times,
            or the characters are not in it, are only spaces, or end inside a character.
    """
    value = _parsed(value) if isinstance(value, str) else value
    if isinstance(value, Mapping) and {"start", "end"} <= value.keys():
        return _checked(value["start"], value["end"], value.get("text"), text, name)
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        if "start" not in value:
            return _found_once(value["text"], text, name)
        end = value["start"] + len(value["text"]) if _is_number(value["start"]) else None
        return _checked(value["start"], end, value["text"], text, name)
    if isinstance(value, list | tuple) and len(value) == 2:
        start, end = value
        return _checked(start, end, None, text, name)
    if (piece := text_of(value)) is not None:
        return _found_once(piece, text, name)
    raise Unfit("not_a_place", f"the {name} is {named_value(value)}; {_EXPECTED}")


def unmarked(text: str) -> tuple[str, Place, Place]:
    """A text without its marks `<e1>..</e1>` and `<e2>..</e2>`, and what stood between them.

    Raises:
        Unfit: a mark is missing or stands there twice, the marks are nested or cross each other,
            or there is nothing between them.
    """
    found: dict[str, list[int]] = {name: [] for name in ("<e1>", "</e1>", "<e2>", "</e2>")}
    parts, end, length = [], 0, 0
    for mark in _MARKS.finditer(text):
        parts.append(text[end : mark.start()])
        length += len(parts[-1])
        found[mark.group()].append(length)
        end = mark.end()
    _refuse_counts(found)
    bare = "".join([*parts, text[end:]])
    (head_start,), (head_end,), (tail_start,), (tail_end,) = found.values()
    _refuse_order([mark.group() for mark in _MARKS.finditer(text)])
    head = _trimmed(head_start, head_end, bare, "head between <e1> and </e1>")
    tail = _trimmed(tail_start, tail_end, bare, "tail between <e2> and </e2>")
    return bare, head, tail


def _refuse_counts(found: Mapping[str, list[int]]) -> None:
    if not any(found.values()):
        message = "the text marks no head and tail (<e1>..</e1> <e2>..</e2>)"
        raise Unfit("no_marks", f"{message}; mark them, or give them in columns of their own")
    for mark, places in found.items():
        if not places:
            raise Unfit("missing_mark", f"the text has no {mark}, though it has other marks")
        if len(places) > 1:
            message = f"{mark} stands in the text {len(places)} times; expected one head, one tail"
            raise Unfit("doubled_mark", message)


def _refuse_order(order: list[str]) -> None:
    """Refuse four marks that are no two pieces side by side."""
    for opening in ("<e1>", "<e2>"):
        closing = opening.replace("<", "</")
        if order.index(closing) < order.index(opening):
            raise Unfit("crossing_marks", f"{closing} stands before its {opening}")
    if order[1].startswith("</"):
        return
    outer = order[0]
    if order[3] == outer.replace("<", "</"):
        message = f"{order[1]} is nested inside {outer}"
        hint = "give such a head and tail in columns of their own, as {start, end}"
        raise Unfit("nested_marks", f"{message}; {hint}")
    raise Unfit("crossing_marks", f"{order[1]} begins before {order[2]}: the marks cross")


def _checked(start: Any, end: Any, said: Any, text: str, name: str) -> Place:
    if not (_is_number(start) and _is_number(end)):
        got = f"{start!r:.40} and {end!r:.40}"
        raise Unfit("not_a_place", f"the {name} has {got} for start and end; expected numbers")
    right = 0 <= start < end <= len(text)
    if not right or (isinstance(said, str) and said != text[start:end]):
        raise Unfit("wrong_offset", f"the {name}: {misplaced(start, end, said, text)}")
    for place in (start, end):
        if begins_inside_character(text, place):
            message = f"the {name} at {start} to {end} ends in the middle of a character"
            unit = counted_in(text, start, end, said)
            hint = f"; it looks counted in {unit}, count characters" if unit else ""
            raise Unfit("half_character", message + hint)
    return _trimmed(start, end, text, name)


def _found_once(piece: str, text: str, name: str) -> Place:
    bare = piece.strip()
    if not bare:
        raise Unfit(f"empty_{name}", f"the {name} is empty; {_EXPECTED}")
    places = _places(bare, text)
    if not places:
        raise Unfit("not_in_text", f"the {name} {excerpt(bare)} does not stand in the text")
    if len(places) > 1:
        message = f"the {name} {excerpt(bare)} stands in the text {len(places)} times"
        listed = ", ".join(map(str, places[:3])) + (", ..." if len(places) > 3 else "")
        hint = f'give its place as {{"start": ..., "end": ...}}; it begins at {listed}'
        raise Unfit("several_places", f"{message}; {hint}")
    return places[0], places[0] + len(bare)


def _places(piece: str, text: str) -> list[int]:
    """Where a piece begins, those that overlap among them; never inside a character."""
    places, start = [], text.find(piece)
    while start >= 0:
        ends = (start, start + len(piece))
        if not any(begins_inside_character(text, place) for place in ends):
            places.append(start)
        start = text.find(piece, start + 1)
    return places


def _trimmed(start: int, end: int, text: str, name: str) -> Place:
    # A mark may stand on a space, which is then a character that shows something.
    while start < end and text[start].isspace() and not begins_inside_character(text, start + 1):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        raise Unfit("empty_piece", f"the {name} is nothing but spaces")
    return start, end


def _parsed(cell: str) -> Any:
    """What a cell of text holds: JSON of a place, or a piece of the text as it is."""
    if cell.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(cell)
        except (ValueError, RecursionError):
            return cell  # a piece may begin with a bracket
        if isinstance(value, Mapping) or (len(value) == 2 and all(map(_is_number, value))):
            return value
    return cell


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
