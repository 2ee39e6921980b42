"""What is worth knowing of the entities of a table before they are learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from glossator.tasks.label_findings import label_variants, listed_counts
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record
from glossator.text.rows import Rejection

__all__ = ["EntityExaminer"]

# Fewer entities of a label are hardly learned, and hardly measured.
_FEW = 10


class EntityExaminer:
    """Counts entities, of each part by itself."""

    def __init__(self) -> None:
        self._parts: dict[str, Counter[str]] = {}
        self._rows, self._without = Counter[str](), Counter[str]()

    @property
    def counts(self) -> Mapping[str, int]:
        """Entities of each label, over all parts."""
        return sum(self._parts.values(), Counter())

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        self._rows[part] += 1
        self._without[part] += not record.target
        counts = self._parts.setdefault(part, Counter())
        counts.update(span.label for span in record.target or ())

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`: nothing is made of it."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return "[" + ", ".join(f"{x.label} at {x.start} to {x.end}" for x in target) + "]"

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    def _found(self) -> Iterator[Finding]:
        if not self._parts:
            return
        first, *others = self._parts
        train = self._parts[first]
        if not train:
            message = "no row has an entity; there is nothing to learn"
            yield Finding("no_entities", "error", message, self._rows[first])
            return
        rows, without = self._rows[first], self._without[first]
        message = (
            f"{count_of(train.total(), 'span')} of {count_of(len(train), 'label')}: "
            f"{listed_counts(dict(train.most_common()))}; {without:,} of {rows:,} rows have none"
        )
        yield Finding("entities", "info", message, train.total())
        few = {name: count for name, count in train.items() if count < _FEW}
        if few:
            message = (
                f"{count_of(len(few), 'label')} with fewer than {_FEW} entities: kept, but hardly "
                f"learned: {listed_counts(few)}"
            )
            yield Finding("few_entities", "warning", message, len(few))
        for name in others:
            yield from _unknown(name, self._parts[name], train)
        yield from label_variants(self.counts)


def _unknown(part: str, counts: Mapping[str, int], train: Mapping[str, int]) -> Iterator[Finding]:
    unknown = {name: count for name, count in counts.items() if name not in train}
    if unknown:
        rows = sum(unknown.values())
        message = (
            f"{part}: {count_of(rows, 'span')} with a label that no training row has: kept, and "
            f"counted as missed; {', '.join(map(quoted, unknown))}"
        )
        yield Finding("unknown_label", "warning", message, rows, tuple(unknown)[:5])
