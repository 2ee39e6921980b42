"""The right answers as a table gives them, checked against their context."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from glossator.tasks.offsets import Unfit, counted_in
from glossator.text.columns import named_value
from glossator.text.findings import excerpt

__all__ = ["Gold", "Place", "gold_of"]

Place: TypeAlias = tuple[int, int]
"""Half-open characters of a context."""

_STARTS = ("start", "answer_start")
_EXPECTED = "expected a list of answers, each a text or {text, start}; [] says that there is none"


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answers of a row, each once; none where there is no answer.

    Attributes:
        places: where they stand, in the order of the table.
        texts: what stands there.
        moved: for each that did not stand at its offset and was found elsewhere, the units in
            which that was counted, or an empty string.
        lost: for each that has no place in the context, why.
    """

    places: tuple[Place, ...]
    texts: tuple[str, ...]
    moved: tuple[str, ...] = field(default=(), compare=False)
    lost: tuple[str, ...] = field(default=(), compare=False)


def gold_of(value: Any, context: str) -> Gold:
    """The answers that a cell names.

    Args:
        value: a list of texts or of mappings (`text` with `start` or `answer_start`, perhaps with
            `end`); a mapping of two lists, as SQuAD has it; either of them in JSON; or one text.
        context: what they stand in.

    Raises:
        Unfit: the cell holds none of these, or of all its answers none has a place: it does not
            stand in the context, or has no offset that fits and stands there several times.
    """
    found: dict[Place, None] = {}
    moved, lost = [], []
    for number, item in enumerate(_items(value), start=1):
        try:
            place, units = _placed(item, f"answer {number}", context)
        except _NoPlace as why:
            lost.append(why)
            continue
        found[place] = None
        moved += [] if units is None else [units]
    if lost and not found:
        raise lost[0]
    texts = tuple(context[start:end] for start, end in found)
    return Gold(tuple(found), texts, tuple(moved), tuple(map(str, lost)))


class _NoPlace(Unfit):
    """An answer is well written, and stands at no place of the context that is known."""


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    """Each answer as a mapping."""
    value = _parsed(value) if isinstance(value, str) else value
    if isinstance(value, Mapping):
        yield from _from_lists(value)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, start=1):
            if not isinstance(item, str | Mapping):
                raise Unfit("not_answers", f"answer {number} is {named_value(item)}; {_EXPECTED}")
            yield {"text": item} if isinstance(item, str) else item
    else:
        raise Unfit("not_answers", f"the answers are {named_value(value)}; {_EXPECTED}")


def _parsed(cell: str) -> Any:
    """What a cell of text holds: JSON, or one answer as it is."""
    if not cell.strip():
        raise Unfit("not_answers", f"the answers are empty; {_EXPECTED}")
    if cell.lstrip()[0] in "[{":
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            pass  # an answer may begin with a bracket
    return [cell]


def _from_lists(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The answers of a mapping of lists, or of one mapping that is an answer itself."""
    texts = value.get("text")
    starts = next((value[name] for name in _STARTS if name in value), None)
    if not isinstance(texts, list | tuple):
        yield value
        return
    several = starts if isinstance(starts, list | tuple) else [starts] * len(texts)
    if len(several) != len(texts):
        message = f"there are {len(texts):,} texts and {len(several):,} starts of answers"
        raise Unfit("not_answers", message)
    for text, start in zip(texts, several, strict=True):
        yield {"text": text} if start is None else {"text": text, "start": start}


def _placed(item: Mapping[str, Any], name: str, context: str) -> tuple[Place, str | None]:
    """Where an answer stands, and if that is not where it was said to, in which units it was."""
    start = next((item[key] for key in _STARTS if item.get(key) is not None), None)
    end, text = item.get("end"), item.get("text")
    for offset in (start, end):
        if offset is not None and (not isinstance(offset, int) or isinstance(offset, bool)):
            raise Unfit("not_answers", f"{name}: its offset is {offset!r:.60}; expected a number")
    if text is None and start is not None and end is not None:
        if not 0 <= start < end <= len(context):
            message = f"{name}: characters {start} to {end} are not in a context of {len(context)}"
            raise Unfit("wrong_offset", message)
        text = context[start:end]
    if not isinstance(text, str):
        raise Unfit("not_answers", f"{name} is {dict(item)!r:.60}; {_EXPECTED}")
    bare = text.strip()
    if not bare:
        raise Unfit("not_answers", f"{name} is empty; {_EXPECTED}")
    if start is not None and start >= 0 and context.startswith(text, start):
        first = start + len(text) - len(text.lstrip())
        return (first, first + len(bare)), None
    return _found_once(bare, text, start, name, context)


def _found_once(
    bare: str, text: str, start: int | None, name: str, context: str
) -> tuple[Place, str | None]:
    """The one place of an answer that is not at its offset, or has none."""
    units = "" if start is None or start < 0 else counted_in(context, start, None, text)
    hint = f"; the offset looks counted in {units}, count characters" if units else ""
    where = "" if start is None else f"{name} {excerpt(bare)} does not stand at {start}, and "
    first = context.find(bare)
    if first < 0:
        told = f"{where}nowhere in the context" if where else f"{name} {excerpt(bare)}"
        message = f"{told}{'' if where else ' does not stand in the context'}{hint}"
        raise _NoPlace("not_in_context", message)
    if context.find(bare, first + 1) >= 0:
        told = f"{where}stands" if where else f"{name} {excerpt(bare)} stands"
        message = f"{told} several times in the context; give the place as 'start'{hint}"
        raise _NoPlace("several_places", message)
    return (first, first + len(bare)), None if start is None else units
