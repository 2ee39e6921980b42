"""Rows as texts and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.examiner import LabelExaminer
from glossator.tasks.reading import TextsReader, read_texts
from glossator.text.columns import named_value, read_text, rejected
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["LabelReader", "Labels"]

Labels: TypeAlias = str | tuple[str, ...]
"""The label of a row, or its labels, sorted, of which there may be none."""


class LabelReader(TextsReader):
    """Reads a text, or a pair, and its label or labels.

    Args:
        columns: by role.
        options: how labels are read and learned.
        several: whether a row has a list of labels; None where the rows tell.
    """

    def __init__(self, columns: Columns, options: Options, *, several: bool | None = None):
        super().__init__(columns)
        self.options, self.several = options, several

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        texts = read_texts(row, self.columns)
        if isinstance(texts, Rejection):
            return texts
        labels = self._labels(row) if targets else None
        if isinstance(labels, Rejection):
            return labels
        outside = labels is not None and labels == self.options.out_of_scope_label
        return Record(row, texts, labels, texts, held_out=outside)

    def _labels(self, row: Row) -> Labels | Rejection:
        (column,) = self.columns["label"]
        separator, value = self.options.label_separator, row.values.get(column)
        if separator is not None and isinstance(value, str):
            value = [part.strip() for part in value.split(separator) if part.strip()]
        if isinstance(value, list | tuple):
            return self._several(row, column, value)
        if self.several:
            got = f"column '{column}' holds {named_value(value)}; expected a list of labels"
            return rejected(row, "not_a_list", f"{got} (--label-separator cuts a cell into one)")
        return read_text(row, (column,), "label")

    def _several(self, row: Row, column: str, value: Sequence[Any]) -> Labels | Rejection:
        if self.several is False:
            message = f"column '{column}' holds a list; expected one label"
            return rejected(row, "not_one_label", message)
        labels = set()
        for item in value:
            alone = Row(row.source, row.line, {column: item})
            label = read_text(alone, (column,), "label")
            if isinstance(label, Rejection):
                return rejected(row, label.kind, f"in the list of labels: {label.message}")
            labels.add(label)
        return tuple(sorted(labels))

    def examiner(self) -> LabelExaminer:
        """See `Reader`."""
        (column,) = self.columns.get("label", ("label",))
        options = self.options
        return LabelExaminer(column, outside=options.out_of_scope_label, coverage=options.coverage)

    @property
    def needs_dev(self) -> str:
        """See `NeedsDev`."""
        return self.options.single_only

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable]:
        """The label; of several the rarest, so that it is in every part."""
        counts = Counter[str]()
        for record in records:
            counts.update(_as_tuple(record.target))
        return [
            record.target
            if isinstance(record.target, str)
            else min(record.target, key=lambda label: (counts[label], label), default="")
            for record in records
        ]


def _as_tuple(target: Labels) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target
