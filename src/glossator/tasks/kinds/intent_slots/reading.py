"""Rows as texts with what they ask for and the places of its details."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from glossator.tasks.kinds.entities.reading import EntityReader
from glossator.tasks.kinds.intent_slots.examiner import FrameExaminer
from glossator.text.columns import read_text
from glossator.text.records import Read, Record
from glossator.text.rows import Rejection, Row
from glossator.text.tagging import Span

__all__ = ["Frame", "FrameReader"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a text asks for, and the details that it gives by characters, in order."""

    intent: str
    slots: tuple[Span, ...]


class FrameReader(EntityReader):
    """Reads a text, or its words, with its slots and its intent; see `EntityReader`."""

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        record = super().read(row, targets=targets)
        if isinstance(record, Rejection) or not targets:
            return record
        intent = read_text(row, self.columns["intent"], "intent")
        if isinstance(intent, Rejection):
            return intent
        return dataclasses.replace(record, target=Frame(intent, record.target))

    def examiner(self) -> FrameExaminer:
        """See `Reader`."""
        return FrameExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable]:
        """The rarest of a row's intent and the labels of its slots, so that each is everywhere."""
        named = [_names(record.target) for record in records]
        counts = Counter(name for names in named for name in names)
        return [min(names, key=lambda name: (counts[name], name)) for names in named]


def _names(frame: Frame) -> list[tuple[str, str]]:
    return [("intent", frame.intent), *(("slot", slot.label) for slot in frame.slots)]
