"""What is worth knowing of relations, heads and tails before anything is learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from glossator.evaluation.relations import has_directions, usual_negative
from glossator.tasks.kinds.relation_extraction.long_pairs import LongPairs
from glossator.tasks.label_findings import few_rows, label_variants, listed_counts, unknown_names
from glossator.text.findings import Finding, Tally, count_of, quoted
from glossator.text.records import Record
from glossator.text.rows import Rejection
from glossator.text.tokenizer import Tokenizer

__all__ = ["RelationExaminer"]


class RelationExaminer:
    """Counts relations, of each part by itself.

    Args:
        no_relation: the name that says that there is none; empty: none does, None: a usual one.
    """

    def __init__(self, no_relation: str | None = None):
        self._given = no_relation
        self._parts: dict[str, Counter[str]] = {}
        self._rows = Counter[str]()
        self._head_first = 0
        self._overlapping = Tally()
        self._long: LongPairs | None = None

    def fit(self, tokenizer: Tokenizer, limit: int) -> None:
        """See `Fitting`."""
        self._long = LongPairs(tokenizer, limit)

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        self._rows[part] += 1
        if self._long is not None:
            self._long.add(record)
        relations = self._parts.setdefault(part, Counter())
        if record.target is not None:
            relations[record.target] += 1
        (start, end), (first, last) = record.input.head, record.input.tail
        self._head_first += start < first
        if start < last and first < end:
            place = f"{record.row.source}:{record.row.line}"
            self._overlapping.add("{}: {}", place, quoted(record.input.text[start:end]))

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`: nothing is made of it."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return quoted(target)

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows of each relation, over all parts."""
        return sum(self._parts.values(), Counter())

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    def _found(self) -> Iterator[Finding]:
        if not any(self._parts.values()):
            return
        first, *others = self._parts
        train = self._parts[first]
        yield from _relations(train, self._rows[first])
        yield from self._negative(train)
        yield self._order()
        if self._overlapping.count:
            message = (
                f"{count_of(self._overlapping.count, 'row')} whose head and tail overlap: kept"
            )
            yield self._overlapping.finding("overlap", "info", message)
        for name in others:
            yield from _unknown(name, self._parts[name], train)
        yield from label_variants(self.counts)
        if self._long is not None:
            yield from self._long.findings()

    def _negative(self, train: Mapping[str, int]) -> Iterator[Finding]:
        """Which relation says that there is none."""
        given = self._given
        if given and given not in train:
            listed = listed_counts(dict(Counter(train).most_common()))
            message = f"no training row has the relation {quoted(given)} of --no-relation; {listed}"
            yield Finding("no_negative", "error", message)
            return
        name = usual_negative(train) if given is None else given or None
        directed = "; directions, as in (e1,e2), are part of what is right" * has_directions(
            [*train], name
        )
        if name is None:
            message = (
                f"every relation counts in F1 (--no-relation names one that is none){directed}"
            )
            yield Finding("no_relation", "info", message)
            return
        why = "its name says so; --no-relation names another" if given is None else "as told"
        message = (
            f"{quoted(name)} ({train[name]:,} training rows) says that there is no relation "
            f"({why}): it is learned and answered, and F1 leaves it out{directed}"
        )
        yield Finding("no_relation", "info", message, train[name])

    def _order(self) -> Finding:
        rows = self._rows.total()
        share = self._head_first / rows
        return Finding(
            "order", "info", f"the head stands before the tail in {share:.0%} of rows", rows
        )


def _relations(train: Mapping[str, int], rows: int) -> Iterator[Finding]:
    if len(train) < 2:
        only = (
            f"every row has the relation {quoted(next(iter(train)))}" if train else "no row has one"
        )
        yield Finding("one_class", "error", f"{only}; two are needed to learn", rows)
        return
    most = max(train, key=train.__getitem__)
    message = (
        f"{count_of(len(train), 'relation')}; the most frequent is {quoted(most)} with "
        f"{count_of(train[most], 'row')}"
    )
    yield Finding("relations", "info", message, len(train))
    yield from few_rows(train, "relation")


def _unknown(part: str, counts: Mapping[str, int], train: Mapping[str, int]) -> Iterator[Finding]:
    unknown = {name: count for name, count in counts.items() if name not in train}
    if not unknown:
        return
    rows = sum(unknown.values())
    if part == "dev" and len(unknown) == len(counts):
        message = "dev: no row has a relation that the training rows have: nothing can be chosen"
        yield Finding("unknown_dev", "error", message, rows)
        return
    yield from unknown_names(part, unknown, "a relation")
