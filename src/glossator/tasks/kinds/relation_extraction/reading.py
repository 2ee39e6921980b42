"""Rows as a text, the head and tail in it, and their relation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from glossator.errors import TextError
from glossator.tasks.kinds.relation_extraction.config import Options
from glossator.tasks.kinds.relation_extraction.examiner import RelationExaminer
from glossator.tasks.kinds.relation_extraction.places import Pair, place_of, unmarked
from glossator.tasks.offsets import Unfit
from glossator.text.columns import read_text, rejected
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["RelationReader"]

_SIDES = ("head", "tail")


class RelationReader:
    """Reads a text with its head and tail, and their relation.

    Args:
        columns: by role; without columns of head and tail the text has marks.
        options: how relations are read.
        whole: whether head and tail are to be found, so that the text alone is read; with what is
            right they are read too.
    """

    def __init__(self, columns: Columns, options: Options, *, whole: bool = False):
        self.columns, self.options, self._whole = columns, options, whole

    @property
    def inputs(self) -> Columns:
        """See `Reader`."""
        sides = () if self._whole else _SIDES
        return {role: self.columns[role] for role in ("text", *sides) if role in self.columns}

    def given(self, value: Any) -> Mapping[str, Any]:
        """The columns of a text with its head and tail: a mapping, three of them, or a text.

        Raises:
            TextError: it is none of these.
        """
        names = [columns[0] for columns in self.inputs.values()]
        parts = [value] if isinstance(value, str) else value
        if isinstance(value, Mapping):
            roles = {role: columns[0] for role, columns in self.inputs.items()}
            return {**value, **{roles[role]: value[role] for role in roles if role in value}}
        if isinstance(parts, list | tuple) and len(parts) == len(names):
            return dict(zip(names, parts, strict=True))
        usual = "a text with its marks" if len(names) == 1 else "a text, its head and its tail"
        expected = "a text" if self._whole else usual
        kind = type(value).__name__
        raise TextError(f"is {value!r:.60} ({kind}); expected {expected}, or a mapping by column")

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        text = read_text(row, self.columns["text"])
        if isinstance(text, Rejection):
            return text
        try:
            pair = Pair(text) if self._whole and not targets else self._pair(row, text)
        except Unfit as why:
            return rejected(row, why.kind, str(why))
        relation = read_text(row, self.columns["relation"], "relation") if targets else None
        if isinstance(relation, Rejection):
            return relation
        return Record(row, pair, relation, _told(pair), together=pair.text)

    def _pair(self, row: Row, text: str) -> Pair:
        """Head and tail of a row.

        Raises:
            Unfit: one is not in the text, or they are the same.
        """
        if not any(side in self.columns for side in _SIDES):
            bare, head, tail = unmarked(text)
            return Pair(bare, head, tail)
        for side in _SIDES:
            if self.columns.get(side, (side,))[0] not in row.values:
                column = self.columns.get(side, (side,))[0]
                raise Unfit("missing_column", f"the row has no column '{column}'")
        head, tail = (
            place_of(row.values[self.columns.get(side, (side,))[0]], text, side) for side in _SIDES
        )
        if head == tail:
            message = f"head and tail are the same characters, {head[0]} to {head[1]}"
            raise Unfit("same_place", message)
        return Pair(text, head, tail)

    def examiner(self) -> RelationExaminer:
        """See `Reader`."""
        return RelationExaminer(self.options.no_relation)

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable]:
        """The relation."""
        return [record.target for record in records]


def _told(pair: Pair) -> tuple[str, ...]:
    """The text, and where in it the pair stands, which tells it from others of the same text."""
    places = [place for place in (pair.head, pair.tail) if place is not None]
    return (pair.text, *(f"{start}-{end}" for start, end in places))
