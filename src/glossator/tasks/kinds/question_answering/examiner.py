"""What is worth knowing of questions and answers before they are learned."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from glossator.text.findings import Finding, Tally, count_of, excerpt
from glossator.text.records import Record
from glossator.text.rows import Rejection

__all__ = ["AnswerExaminer"]


class _Part:
    """What was seen of one part."""

    def __init__(self) -> None:
        self.rows = self.none = 0
        self.lengths = array("q")  # of the first answer of each row, in characters
        self.contexts: Counter[bytes] = Counter()
        self.moved, self.units = Tally(), Counter[str]()
        self.lost = Tally()


class AnswerExaminer:
    """Counts answers and contexts, of each part by itself."""

    counts: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        seen, gold = self._parts.setdefault(part, _Part()), record.target
        seen.rows += 1
        seen.contexts[_digest(record.input.context)] += 1
        if gold is None:
            return
        seen.none += not gold.places
        seen.lengths.extend(len(text) for text in gold.texts[:1])
        place = f"{record.row.source}:{record.row.line}"
        for units in gold.moved:
            seen.units[units] += 1
            seen.moved.add("{}: {}", place, excerpt(record.input.question))
        for why in gold.lost:
            seen.lost.add("{}: {}", place, why)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`: nothing is made of it."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return " or ".join(map(excerpt, target.texts)) if target.places else "no answer"

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    def _found(self) -> Iterator[Finding]:
        if not self._parts:
            return
        first, *others = self._parts
        train = self._parts[first]
        if train.none == train.rows:
            message = "no row has an answer; there is nothing to learn"
            yield Finding("no_answers", "error", message, train.rows)
            return
        yield _answers(train)
        yield _contexts(train)
        for name, part in self._parts.items():
            yield from _misplaced(f"{name}: " if others else "", part)
        for name in others:
            yield from _shared(name, self._parts[name], first, train)


def _answers(part: _Part) -> Finding:
    lengths = np.array(part.lengths)
    message = (
        f"{count_of(part.rows - part.none, 'row')} with an answer, of {np.median(lengths):,.0f} "
        f"characters (median) and {lengths.max():,} at most; {part.none:,} without one"
    )
    if part.none:
        message += ": that there is none is learned too"
    return Finding("answers", "info", message, part.rows - part.none)


def _contexts(part: _Part) -> Finding:
    count = len(part.contexts)
    message = f"{count_of(part.rows, 'question')} on {count_of(count, 'context')}"
    if count < part.rows:
        message += "; those on the same one stay together where rows are split"
    return Finding("contexts", "info", message, count)


def _misplaced(where: str, part: _Part) -> Iterator[Finding]:
    if part.moved.count:
        units = [(count, name) for name, count in part.units.items() if name]
        said = "".join(f", {count:,} of them look counted in {name}" for count, name in units)
        message = (
            f"{where}{count_of(part.moved.count, 'answer')} not at the offset given{said}: kept, "
            "since each stands once in its context; correct the offsets"
        )
        yield part.moved.finding("moved_answers", "warning", message)
    if part.lost.count:
        message = (
            f"{where}{count_of(part.lost.count, 'answer')} at no place of the context that is "
            "known: left out, since the row has others; correct the table"
        )
        yield part.lost.finding("lost_answers", "warning", message)


def _shared(name: str, part: _Part, first: str, train: _Part) -> Iterator[Finding]:
    both = part.contexts.keys() & train.contexts.keys()
    if both:
        rows = sum(part.contexts[x] for x in both)
        message = (
            f"{name}: {count_of(rows, 'row')} of {part.rows:,} on a context that is also in "
            f"{first}: kept, so scores may look better than they are"
        )
        yield Finding("shared_contexts", "warning", message, rows)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
