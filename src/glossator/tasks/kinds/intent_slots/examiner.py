"""What is worth knowing of intents and slots before they are learned."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from glossator.tasks.kinds.entities.examiner import EntityExaminer
from glossator.tasks.label_findings import few_rows, label_variants, unknown_names
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record
from glossator.text.rows import Rejection

__all__ = ["FrameExaminer"]

# Below this an intent has, after the usual split, no more than one row to be measured on.


class FrameExaminer:
    """Counts intents and slots, of each part by itself."""

    def __init__(self) -> None:
        self._slots = EntityExaminer()
        self._parts: dict[str, Counter[str]] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows of each intent, over all parts."""
        return sum(self._parts.values(), Counter())

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        counts = self._parts.setdefault(part, Counter())
        frame = record.target
        if frame is not None:
            counts[frame.intent] += 1
            record = dataclasses.replace(record, target=frame.slots)
        self._slots.add(part, record)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`: nothing is made of it."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return f"{quoted(target.intent)} {self._slots.tell(target.slots)}"

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return [*self._of_intents(), *map(_in_place, self._slots.findings())]

    def _of_intents(self) -> Iterator[Finding]:
        if not self._parts:
            return
        first, *others = self._parts
        train = self._parts[first]
        yield from _intents(train)
        for name in others:
            yield from _unknown(name, self._parts[name], train)
        yield from label_variants(self.counts)


def _in_place(finding: Finding) -> Finding:
    """A finding of slots; that there are none is told with what to do."""
    if finding.kind != "no_entities":
        return finding
    message = "no row has a slot; --task text-classification learns intents alone"
    return dataclasses.replace(finding, message=message)


def _intents(train: Mapping[str, int]) -> Iterator[Finding]:
    if len(train) < 2:
        there = "no row has an intent"
        if train:
            there = f"every row has the intent {quoted(next(iter(train)))}"
        message = (
            f"{there}; two intents are needed to learn (--task token-classification learns slots "
            "alone)"
        )
        yield Finding("one_intent", "error", message, sum(train.values()))
        return
    ordered = sorted(train, key=lambda name: -train[name])
    most, least = ordered[0], ordered[-1]
    message = (
        f"{count_of(len(train), 'intent')}; the largest is {quoted(most)} with "
        f"{count_of(train[most], 'row')}, the smallest {quoted(least)} with {train[least]:,}"
    )
    yield Finding("intents", "info", message, len(train))
    yield from few_rows(train, "intent")


def _unknown(part: str, counts: Mapping[str, int], train: Mapping[str, int]) -> Iterator[Finding]:
    unknown = {name: count for name, count in counts.items() if name not in train}
    yield from unknown_names(part, unknown, "an intent")
