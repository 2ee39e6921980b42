"""Rows as queries with a candidate each, and how relevant it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from glossator.tasks.kinds.numbers import read_number
from glossator.tasks.reading import TextsReader, read_texts
from glossator.text.columns import rejected
from glossator.text.findings import Finding, count_of
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["RankExaminer", "RankReader"]


class RankReader(TextsReader):
    """Reads a query, a candidate, and its grade.

    Args:
        columns: by role.
    """

    def __init__(self, columns: Columns):
        super().__init__(columns)

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`; the candidates of a query stay in one part of a split."""
        texts = read_texts(row, self.columns)
        if isinstance(texts, Rejection):
            return texts
        grade = read_number(row, self.columns["label"][0]) if targets else None
        if isinstance(grade, Rejection):
            return grade
        if grade is not None and grade < 0:
            message = f"column '{self.columns['label'][0]}' holds {grade:g}; expected 0 or more"
            return rejected(row, "below_zero", message)
        return Record(row, texts, grade, texts, together=texts[0])

    def examiner(self) -> RankExaminer:
        """See `Reader`."""
        return RankExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """See `Reader`: nothing."""
        return None


class RankExaminer:
    """Looks at queries and the grades of their candidates."""

    counts: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._grades: dict[int, set[float]] = defaultdict(set)  # by the hash of a query
        self._rows = 0

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        if part == "train":
            self._rows += 1
            self._grades[hash(record.texts[0])].add(record.target)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return f"{target:g}"

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found()) if self._rows else []

    def _found(self) -> Iterator[Finding]:
        queries = len(self._grades)
        several = sum(len(grades) > 1 for grades in self._grades.values())
        message = (
            f"{count_of(queries, 'query').replace('querys', 'queries')} with "
            f"{count_of(self._rows, 'candidate')}"
        )
        if not several:
            message = (
                f"{message}; no query has candidates of two grades, so that there is no order to "
                "learn: add candidates that do not answer, with the label 0"
            )
            yield Finding("no_order", "error", message, queries)
            return
        yield Finding("queries", "info", message, queries)
        if several < queries:
            message = (
                f"{queries - several:,} of them have candidates of one grade alone: kept, but they "
                "say nothing of an order"
            )
            yield Finding("one_grade", "warning", message, queries - several)
