"""Rows with labels, as text classification reads them."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.text.records import Read, Record
from glossator.text.rows import Row

COLUMNS = {"text": ("text",), "label": ("label",)}


def reader() -> LabelReader:
    return LabelReader(COLUMNS, Options())


def read(text: str, label: str, line: int = 2, file: str = "a.csv") -> Read:
    """A row of a table as it is read for learning."""
    return reader().read(Row(file, line, {"text": text, "label": label}), targets=True)


def records(texts: Sequence[str], labels: Sequence[str | None] | None = None) -> list[Record]:
    """Rows that were read, without asking whether they show anything."""
    given = labels or [None] * len(texts)
    return [
        Record(Row("a.csv", line, {"text": text, "label": label}), (text,), label, (text,))
        for line, (text, label) in enumerate(zip(texts, given, strict=True), start=2)
    ]
