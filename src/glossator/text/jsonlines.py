"""JSON Lines: one object a line, nothing accepted that cannot be written back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from glossator.errors import TableError
from glossator.text.columns import check_header
from glossator.text.decoding import Source
from glossator.text.rows import Item, Reading, Rejection, Row

__all__ = [
    "NESTING_LIMIT",
    "RefusedError",
    "checked_object",
    "read_jsonl",
    "reading_of",
    "value_at",
]

NESTING_LIMIT = 64  # levels; deeper would only fail later, when an answer is written
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LEVEL = re.compile(r"[\[{]")


class RefusedError(ValueError):
    """A line that is JSON to Python's `json` and not to us."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_jsonl(source: Source, *, named: bool = True) -> Reading:
    r"""Stream the objects of a JSON Lines file; the columns are the keys of the first good one.

    Lines end with `\n` alone. A line is a Rejection where it is not JSON (`bad_json`), not an
    object (`not_an_object`), has a key twice (`duplicate_key`), NaN, Infinity or a number too
    large (`bad_number`), is nested deeper than `NESTING_LIMIT` (`deep_nesting`), holds half of a
    surrogate pair (`lone_surrogate`) or, after the first row, the key `prediction` (`column`).

    Args:
        source: the lines.
        named: whether the user said that these are JSON Lines, or it was taken for granted.

    Raises:
        ColumnError: the first good row has the key `prediction`, or a key without a name.
        TableError: it was taken for granted, and the first line is no object.
        TableError: there are only blank lines.
    """
    return reading_of(_items(source), source, named=named)


def reading_of(items: Iterator[Item], source: Source, *, named: bool = True) -> Reading:
    """Rows and rejections with their columns, which are the keys of the first row.

    Raises:
        ColumnError: it has the key `prediction`, or a key without a name.
        TableError: there is neither row nor rejection, or the user did not say that these are
            JSON Lines and the first is no object.
    """
    head: list[Item] = []
    for item in items:
        if not (named or head):
            _refuse_other(item)
        head.append(item)
        if isinstance(item, Row):
            columns = check_header(tuple(item.values), source.name, item.line)
            return columns, chain(head, map(_without_prediction, items))
    if not head:
        raise TableError("the file is empty: it has no row", file=source.name)
    return (), iter(head)


def _refuse_other(first: Item) -> None:
    if isinstance(first, Rejection) and first.kind in ("bad_json", "not_an_object"):
        message = (
            f"the first line is no JSON object ({first.message}); name the format: "
            "--format csv, tsv or text, or jsonl to have such lines rejected one by one"
        )
        raise TableError(message, file=first.source, line=first.line)


def _without_prediction(item: Item) -> Item:
    if isinstance(item, Row) and "prediction" in item.values:
        message = "the key 'prediction' is where answers are written; rename it"
        return Rejection(item.source, item.line, "column", message)
    return item


def _items(source: Source) -> Iterator[Item]:
    for number, line in enumerate(source.lines("\n"), start=1):
        if not line.strip(" \t\r\n"):
            source.note_blank(number)
            continue
        try:
            yield Row(source.name, number, _parsed(line))
        except RefusedError as error:
            yield Rejection(source.name, number, error.kind, str(error))


def value_at(text: str, at: int) -> tuple[Any, int | None]:
    """The object of JSON that begins at `at` of `text`, and where it ends.

    One that is refused is the RefusedError; what is no JSON, or not yet whole, ends nowhere, and
    the value is what is wrong with it.
    """
    refused: RefusedError
    try:
        value, end = _DECODER.raw_decode(text, at)
        return value, end
    except RefusedError as error:
        refused = error
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}", None
    except RecursionError:
        return str(_deep()), None
    except ValueError:
        refused = RefusedError("bad_number", "a number has too many digits")
    try:
        return refused, _ANY.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return str(refused), None


def checked_object(values: Any, text: str) -> dict[str, Any]:
    """The value as a row, which stood in `text`.

    Raises:
        RefusedError: it is no object, nested too deeply, or holds half of a surrogate pair.
    """
    if not isinstance(values, dict):
        message = f"expected an object, got {type(values).__name__}"
        raise RefusedError("not_an_object", message)
    _check(text, values)
    return values


def _parsed(line: str) -> dict[str, Any]:
    try:
        values = _DECODER.decode(line)
    except RefusedError:
        raise
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at character {error.pos + 1}"
        raise RefusedError("bad_json", message) from None
    except RecursionError:
        raise _deep() from None
    except ValueError:
        raise RefusedError("bad_number", "a number has too many digits") from None
    return checked_object(values, line)


def _check(line: str, values: dict[str, Any]) -> None:
    if len(_LEVEL.findall(line)) > NESTING_LIMIT and _depth(values) > NESTING_LIMIT:
        raise _deep()
    if _SURROGATE.search(line) and not _encodable(values):
        message = "a \\u escape is half of a surrogate pair, which is no character"
        raise RefusedError("lone_surrogate", message)


def _deep() -> RefusedError:
    return RefusedError("deep_nesting", f"nested deeper than {NESTING_LIMIT} levels")


def _depth(value: Any) -> int:
    """How many lists and objects lie inside each other, or just above the limit."""
    depth, level = 0, [value]
    while level and depth <= NESTING_LIMIT:
        inner = [v.values() if isinstance(v, dict) else v for v in level]
        level = [part for parts in inner for part in parts if isinstance(part, dict | list)]
        depth += 1
    return depth


def _encodable(values: dict[str, Any]) -> bool:
    try:
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise RefusedError("duplicate_key", f"the key {doubled!r} is twice in one object")
    return values


def _constant(name: str) -> Any:
    raise RefusedError("bad_number", f"{name} is not JSON; write null")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise RefusedError("bad_number", f"{digits[:20]} is too large a number")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
_ANY = json.JSONDecoder(parse_int=str, parse_float=str)
