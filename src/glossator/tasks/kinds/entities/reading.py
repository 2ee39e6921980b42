"""Rows as texts with the places of their entities."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from glossator.errors import TextError
from glossator.tasks.kinds.entities.examiner import EntityExaminer
from glossator.tasks.kinds.entities.given import entities_of
from glossator.tasks.kinds.entities.words import Place, edge_words, fine_words
from glossator.tasks.offsets import Unfit
from glossator.text.columns import is_blank, named_value, read_text, rejected
from glossator.text.records import Columns, Examiner, Read, Record
from glossator.text.rows import Rejection, Row
from glossator.text.tagging import Span, spans_of

__all__ = ["EntityReader", "SplitText"]


class _Learning(Protocol):
    """What of the options of a kind its reader asks for."""

    @property
    def decoder(self) -> str:
        """`spans` where entities may lie inside one another."""


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text and the places of its words, in order."""

    text: str
    places: tuple[Place, ...]


class EntityReader:
    """Reads a text, or its words, and the entities in it.

    Args:
        columns: by role.
        options: how entities are read and learned.
        fine: whether a text is cut at every mark; None: where its entities are given by place.
    """

    def __init__(self, columns: Columns, options: _Learning, *, fine: bool | None = None):
        self.columns, self.options = columns, options
        self.fine = "tokens" not in columns if fine is None else fine

    @property
    def inputs(self) -> Columns:
        """See `Reader`."""
        role = "tokens" if "tokens" in self.columns else "text"
        return {role: self.columns[role]}

    def given(self, value: Any) -> Mapping[str, Any]:
        """See `Reader`: a text, a list of words, or a mapping."""
        if isinstance(value, Mapping):
            return value
        if isinstance(value, str):
            return {self.columns.get("text", ("text",))[0]: value}
        if isinstance(value, list | tuple):
            return {self.columns.get("tokens", ("tokens",))[0]: value}
        kind = type(value).__name__
        raise TextError(f"is {value!r:.60} ({kind}); expected a string or a list of words")

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        words = self._words(row)
        if isinstance(words, Rejection):
            return words
        found = self._entities(row, words) if targets else None
        if isinstance(found, Rejection):
            return found
        return Record(row, words, found, (words.text,))

    def _words(self, row: Row) -> SplitText | Rejection:
        (column,) = self.columns.get("tokens", ("tokens",))
        if column in row.values and ("tokens" in self.columns or "text" not in self.columns):
            return _joined(row, column)
        if "text" not in self.columns and "text" not in row.values:
            return rejected(row, "missing_column", f"the row has no column '{column}'")
        text = read_text(row, self.columns.get("text", ("text",)))
        if isinstance(text, Rejection):
            return text
        return SplitText(text, tuple((fine_words if self.fine else edge_words)(text)))

    def _entities(self, row: Row, words: SplitText) -> tuple[Span, ...] | Rejection:
        """The entities of a row, by the characters of its text."""
        if "tags" in self.columns:
            return _tagged(row, self.columns["tags"][0], words)
        (column,) = self.columns["entities"]
        value = row.values.get(column)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                message = f"column '{column}' holds {value!r:.60}; expected a list in JSON"
                return rejected(row, "not_entities", message)
        if not isinstance(value, list | tuple):
            got = named_value(value)
            message = f"column '{column}' holds {got}; expected a list of entities"
            return rejected(row, "not_entities", message)
        try:
            nested = self.options.decoder == "spans"
            return entities_of(value, words.text, words.places, nested=nested)
        except Unfit as why:
            return rejected(row, why.kind, str(why))

    def examiner(self) -> Examiner:
        """See `Reader`."""
        return EntityExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable]:
        """The rarest label of a row, so that it is in every part."""
        counts = Counter(span.label for record in records for span in record.target)
        return [
            min((x.label for x in record.target), key=lambda x: (counts[x], x), default="")
            for record in records
        ]


def _listed(row: Row, column: str) -> list[str] | Rejection:
    """The words or tags of a row: a list, or a string with spaces between."""
    value = row.values.get(column)
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(x, str) for x in parts):
        message = f"column '{column}' holds {named_value(value)}; expected a list of strings"
        return rejected(row, "not_a_list", message)
    return list(parts)


def _joined(row: Row, column: str) -> SplitText | Rejection:
    """Words with a space between them, as a text."""
    words = _listed(row, column)
    if isinstance(words, Rejection):
        return words
    for number, word in enumerate(words, start=1):
        if not word or any(char.isspace() for char in word):
            message = f"word {number} is {word!r:.60}; expected one without spaces, and not empty"
            return rejected(row, "not_a_word", message)
    if all(map(is_blank, words)):
        return rejected(row, "empty_text", "the text is empty")
    places, start = [], 0
    for word in words:
        places.append((start, start + len(word)))
        start += len(word) + 1
    return SplitText(" ".join(words), tuple(places))


def _tagged(row: Row, column: str, words: SplitText) -> tuple[Span, ...] | Rejection:
    tags = _listed(row, column)
    if isinstance(tags, Rejection):
        return tags
    if len(tags) != len(words.places):
        message = f"there are {len(words.places):,} words and {len(tags):,} tags; expected one each"
        return rejected(row, "uneven", message)
    try:
        spans = spans_of(tags)
    except TextError as error:
        place = next(i for i, tag in enumerate(tags) if f"'{tag}'" in error.message)
        return rejected(row, "not_a_tag", f"word {place + 1}: {error.message}")
    places = words.places
    return tuple(Span(places[x.start][0], places[x.end - 1][1], x.label) for x in spans)
