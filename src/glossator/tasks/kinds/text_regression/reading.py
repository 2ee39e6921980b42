"""Rows as texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glossator.tasks.kinds.numbers import read_number
from glossator.tasks.kinds.text_regression.config import Options
from glossator.tasks.reading import TextsReader, read_texts
from glossator.text.findings import Finding, Tally, count_of
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["NumberExaminer", "NumberReader"]

_STRATA = 10
# Of the rows that were read, the share without a number from which the column is the wrong one.
_MANY = 0.1


class NumberReader(TextsReader):
    """Reads a text, or a pair, and a number.

    Args:
        columns: by role.
        options: how numbers are learned.
    """

    def __init__(self, columns: Columns, options: Options):
        super().__init__(columns)
        self.options = options

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        texts = read_texts(row, self.columns)
        if isinstance(texts, Rejection):
            return texts
        number = read_number(row, self.columns["label"][0]) if targets else None
        if isinstance(number, Rejection):
            return number
        return Record(row, texts, number, texts)

    def examiner(self) -> NumberExaminer:
        """See `Reader`."""
        return NumberExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """The part of all rows, by their numbers, that a row belongs to: tenths, fewer of few."""
        numbers = np.array([record.target for record in records], np.float64)
        # Equal texts stay together, and a split needs several in each part.
        parts = min(_STRATA, len({record.texts for record in records}) // _STRATA)
        if parts < 2:
            return None
        edges = np.quantile(numbers, np.arange(1, parts) / parts)
        found: list[int] = np.searchsorted(np.unique(edges), numbers).tolist()
        return found


class NumberExaminer:
    """Looks at the numbers of a table."""

    counts: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0.0
        self._low, self._high = math.inf, -math.inf
        self._values: set[float] = set()
        self._strange = Tally()

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        number = record.target
        self._rows += 1
        self._sum += number
        self._low, self._high = min(self._low, number), max(self._high, number)
        if len(self._values) < 3:
            self._values.add(number)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`."""
        if rejection.kind == "not_a_number":
            place = f"{rejection.source}:{rejection.line}"
            self._strange.add("{}: {}", place, rejection.message)

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return f"{target:g}"

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    def _found(self) -> Iterator[Finding]:
        strange, rows = self._strange, self._rows
        if strange.count > _MANY * (rows + strange.count):
            message = (
                f"{count_of(strange.count, 'row')} of {rows + strange.count:,} have no number, the "
                f"first is {strange.examples[0]}: correct or remove them, or learn labels with "
                "another --task"
            )
            yield strange.finding("few_numbers", "error", message)
        if len(self._values) == 1:
            message = f"every row has the number {self._low:g}; at least two are needed to learn"
            yield Finding("constant", "error", message, rows)
        elif rows:
            mean = self._sum / rows
            message = f"numbers from {self._low:g} to {self._high:g}, on average {mean:g}"
            if len(self._values) == 2:
                message += "; there are two of them alone: labels may suit such rows better"
            yield Finding("numbers", "info", message, rows)
