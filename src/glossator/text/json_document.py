"""One JSON document that is an array of objects, read object by object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from glossator.errors import TableError
from glossator.text.decoding import LINE_LIMIT, Source
from glossator.text.jsonlines import RefusedError, checked_object, read_jsonl, reading_of, value_at
from glossator.text.rows import Item, Reading, Rejection, Row

__all__ = ["read_json"]

_PIECE = 2**16  # characters that are read at a time
_FIRST = 2**20  # a first line that is longer is no row of JSON Lines
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json(source: Source) -> Reading:
    """Stream the objects of `[...]` or of the only array in `{"data": [...]}`; or of JSON Lines.

    Memory holds one object at a time. What makes a line of JSON Lines a Rejection does so here;
    JSON that is broken ends the reading, since nothing after it can be told apart.

    Raises:
        TableError: it is no array of objects, or it is broken.
        ColumnError: as `read_jsonl`.
    """
    if _is_lines(source):
        return read_jsonl(source)
    return reading_of(_items(_Text(source), source), source)


def _is_lines(source: Source) -> bool:
    """Whether the first line is an object of its own, with a next one below it or no array."""
    if source.once:
        return False
    lines = list(islice(filter(str.strip, source.pieces(_FIRST)), 2))
    try:
        first = json.loads(lines[0]) if lines else None
    except ValueError:
        return False
    if not isinstance(first, dict):
        return False
    return lines[1:] != [] or not isinstance(first.get("data"), list)


class _Text:
    """The text of a document from where it was read up to, growing as it is needed.

    Args:
        source: gives it.

    Attributes:
        line: on which the text begins.
    """

    def __init__(self, source: Source):
        self.source, self.line = source, 1
        self._pieces = source.pieces(_PIECE)
        self._text, self._at, self._ended = "", 0, False
        self._last = ""

    def next(self) -> str:
        """The next character that is no space, which stays; empty at the end."""
        while True:
            at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if at < len(self._text):
                self._move(at)
                return self._text[at]
            if not self._grow():
                self._move(len(self._text))
                return ""

    def take(self, expected: str) -> str:
        """The next character, taken; one of `expected`."""
        found = self.next()
        if not found or found not in expected:
            got = f"'{found}'" if found else "the end of the file"
            wanted = " or ".join(f"'{char}'" for char in expected)
            raise self.error(f"not JSON: expected {wanted}, got {got}")
        self._move(self._at + 1)
        return found

    def value(self) -> Any:
        """The next value, taken; why it is refused where Python's `json` alone would take it."""
        self.next()
        while True:
            value, end = value_at(self._text, self._at)
            if end is not None and (end < len(self._text) or self._ended):
                self._last = self._text[self._at : end]
                self._move(end)
                return value
            if not self._grow():
                raise self.error(str(value))

    def row(self) -> dict[str, Any]:
        """The next value, taken, as a row.

        Raises:
            RefusedError: it cannot be one.
        """
        value = self.value()
        if isinstance(value, RefusedError):
            raise value
        return checked_object(value, self._last)

    def error(self, message: str) -> TableError:
        """An error at the place that was read up to."""
        return TableError(message, file=self.source.name, line=self.line)

    def _move(self, at: int) -> None:
        self.line += len(re.findall(r"\r\n?|\n", self._text[self._at : at]))
        self._at = at

    def _grow(self) -> bool:
        if len(self._text) - self._at > LINE_LIMIT:
            raise self.error(f"a value is longer than {LINE_LIMIT} characters")
        more, wanted = [self._text[self._at :]], max(_PIECE, len(self._text) - self._at)
        while wanted > 0 and (line := next(self._pieces, "")):
            more.append(line)
            wanted -= len(line)
        self._text, self._at = "".join(more), 0
        self._ended = wanted > 0
        return len(more) > 1


def _items(text: _Text, source: Source) -> Iterator[Item]:
    if text.next() == "[":
        yield from _objects(text)
    else:
        yield from _of_document(text, source)
    if text.next():
        raise text.error("not JSON: something stands after the end of the document")


def _of_document(text: _Text, source: Source) -> Iterator[Item]:
    text.take("{")
    left: list[str] = []
    found = False
    while text.next() != "}":
        name = text.value()
        text.take(":")
        if text.next() == "[" and not found and name == "data":
            found = True
            yield from _objects(text)
        else:
            text.value()
            left.append(str(name))
        if text.take(",}") == "}":
            break
    else:
        text.take("}")
    if not found:
        raise text.error(
            "expected an array of objects, [{...}, ...], or one under the key 'data'; "
            "pandas writes it with orient='records'"
        )
    others = f"; left out: {', '.join(left)}" if left else ""
    source.note("the rows are those under the key 'data'", others)


def _objects(text: _Text) -> Iterator[Item]:
    text.take("[")
    if text.next() == "]":
        text.take("]")
        return
    while True:
        text.next()
        line = text.line
        try:
            yield Row(text.source.name, line, text.row())
        except RefusedError as error:
            yield Rejection(text.source.name, line, error.kind, str(error))
        if text.take(",]") == "]":
            return
