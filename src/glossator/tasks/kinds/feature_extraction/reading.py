"""Rows as texts that belong together, or have something in common, or nothing but themselves."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from glossator.errors import ConfigError
from glossator.tasks.kinds.feature_extraction.config import Options
from glossator.tasks.kinds.numbers import read_number
from glossator.tasks.label_findings import label_variants, listed_counts
from glossator.tasks.reading import TextsReader
from glossator.text.columns import read_text
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["Aim", "EmbeddingExaminer", "EmbeddingReader", "aim_of"]

Aim: TypeAlias = Literal["pairs", "grades", "classes", "texts"]
"""What vectors learn from: texts, each with one to find and perhaps one not to find; pairs with a
number of how alike they are; texts with a class; texts alone."""

_SIDES = ("text", "text_pair", "negative")


def aim_of(columns: Columns) -> Aim:
    """What the columns of a table let vectors learn."""
    if "text_pair" in columns:
        return "grades" if "label" in columns else "pairs"
    return "classes" if "label" in columns else "texts"


class EmbeddingReader(TextsReader):
    """Reads the texts of a row, and what they have to do with each other.

    Args:
        columns: by role.
        options: how texts become vectors.

    Raises:
        ConfigError: two sides are the same column.
    """

    def __init__(self, columns: Columns, options: Options):
        super().__init__(columns)
        self.options, self.aim = options, aim_of(columns)
        for one, other in itertools.combinations((x for x in _SIDES if x in columns), 2):
            if columns[one] == columns[other]:
                flags = " and ".join(f"--{x.replace('_', '-')}" for x in (one, other))
                raise ConfigError(
                    f"{flags} are both {', '.join(columns[one])}: a text would be held against "
                    "itself; name two columns, or --text alone"
                )

    @property
    def inputs(self) -> Columns:
        """See `Reader`: a vector is asked of one text."""
        return {"text": self.columns["text"]}

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`; with targets the input has each text, else the first alone."""
        texts = []
        for side in _SIDES if targets else _SIDES[:1]:
            if side in self.columns:
                text = read_text(row, self.columns[side], side)
                if isinstance(text, Rejection):
                    return text
                texts.append(text)
        target = self._target(row) if targets else None
        if isinstance(target, Rejection):
            return target
        # A text alone learns from itself: dropout makes two vectors of it (Gao et al. 2021,
        # "SimCSE: simple contrastive learning of sentence embeddings").
        twice = targets and self.aim == "texts"
        return Record(row, (*texts, *texts) if twice else tuple(texts), target, tuple(texts))

    def _target(self, row: Row) -> str | float | Rejection | None:
        if self.aim == "grades":
            return read_number(row, self.columns["label"][0])
        if self.aim == "classes":
            return read_text(row, self.columns["label"], "label")
        return None

    def examiner(self) -> EmbeddingExaminer:
        """See `Reader`."""
        return EmbeddingExaminer(self.aim)

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """See `Reader`: the class, where there are some."""
        return [record.target for record in records] if self.aim == "classes" else None


class EmbeddingExaminer:
    """Looks at the rows that vectors learn from.

    Args:
        aim: what they let them learn.
    """

    def __init__(self, aim: Aim):
        self._aim = aim
        self._classes = Counter[str]()
        self._found = Counter[int]()  # by the hash of the text that is to be found
        self._rows = 0
        self._low, self._high = math.inf, -math.inf

    @property
    def counts(self) -> Mapping[str, int]:
        """See `Examiner`."""
        return self._classes

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        if part != "train":
            return
        self._rows += 1
        if self._aim == "classes":
            self._classes[record.target] += 1
        elif self._aim == "grades":
            self._low, self._high = min(self._low, record.target), max(self._high, record.target)
        elif self._aim == "pairs":
            self._found[hash(record.input[1])] += 1

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return f"{target:g}" if isinstance(target, float) else quoted(str(target))

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        of = {
            "pairs": self._pairs,
            "grades": self._grades,
            "classes": self._of_classes,
            "texts": self._texts,
        }
        return list(of[self._aim]()) if self._rows else []

    def _pairs(self) -> Iterator[Finding]:
        texts = len(self._found)
        message = f"{count_of(self._rows, 'pair')} with {count_of(texts, 'text')} to be found"
        if texts == 1:
            yield Finding("one_text", "error", f"{message}; nothing can be told apart", self._rows)
            return
        yield Finding("pairs", "info", message, self._rows)

    def _grades(self) -> Iterator[Finding]:
        if self._low == self._high:
            message = f"every pair has the number {self._low:g}; two are needed to learn"
            yield Finding("constant", "error", message, self._rows)
            return
        message = (
            f"numbers from {self._low:g} (cosine 0) to {self._high:g} (cosine 1) say how alike "
            "two texts are"
        )
        yield Finding("numbers", "info", message, self._rows)

    def _of_classes(self) -> Iterator[Finding]:
        counts = self._classes
        if len(counts) < 2:
            only = quoted(next(iter(counts)))
            message = f"every row has the label {only}; two are needed to tell texts apart"
            yield Finding("one_class", "error", message, self._rows)
            return
        yield from label_variants(counts)
        alone = {name: count for name, count in counts.items() if count == 1}
        if len(alone) == len(counts):
            message = "no label is that of two rows; is this the column with the labels?"
            yield Finding("no_pairs", "error", message, self._rows)
        elif alone:
            message = (
                f"{count_of(len(alone), 'label')} of one row alone: kept, and told from others, "
                f"but drawn to none: {listed_counts(alone)}"
            )
            yield Finding("single_rows", "warning", message, len(alone), tuple(alone)[:5])

    def _texts(self) -> Iterator[Finding]:
        message = (
            "texts alone: each learns to be told from the others, and nothing says which are alike "
            "(a column text_pair or label would)"
        )
        yield Finding("texts_alone", "info", message, self._rows)
