"""Text classification: which kind of labels a table has, and what a folder answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glossator.errors import ConfigError
from glossator.tasks.kinds.text_classification.config import CONFIG, Options
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.text_classification.scoped import ScopedLabel
from glossator.tasks.kinds.text_classification.several import SeveralLabels
from glossator.tasks.kinds.text_classification.values import values_of
from glossator.tasks.task import Base
from glossator.text.records import Columns, Record

__all__ = ["KIND", "TextClassification"]


class TextClassification:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> LabelReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return LabelReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> OneLabel | SeveralLabels:
        """One label a row, or several where a row has a list."""
        several = any(isinstance(record.target, tuple) for record in records)
        if several and options.single_only:
            raise ConfigError(f"{options.single_only} is for one label a row, and rows have lists")
        (column,) = columns["label"]
        return _class(options, several=several).learn(records, base, options, column)

    def restore(
        self, base: Base, saved: Mapping[str, Any] | None
    ) -> OneLabel | SeveralLabels | None:
        """See `TaskKind`."""
        problem = _problem_of(base)
        if saved is None and problem is None:
            return None
        found = saved or {}
        options = Options(**found.get("options", {}))
        cls = _class(options, several=problem == SeveralLabels.problem_type)
        learned, labels = found.get("learned", {}), base.source.labels()
        task = cls(
            base.tokenizer,
            labels,
            max_length=base.max_length,
            pair=bool(learned.get("pair", False)),
            options=options,
            values=values_of(labels, learned.get("values")),
        )
        return task.restored(found.get("decision", {}))


def _class(options: Options, *, several: bool) -> type[OneLabel | SeveralLabels]:
    if several:
        return SeveralLabels
    return ScopedLabel if options.scoped else OneLabel


def _problem_of(base: Base) -> str | None:
    """What the classifier of a folder is for; None where there is none with labels."""
    if not base.source.architecture.endswith("ForSequenceClassification"):
        return None
    labels = len(base.source.labels())
    usual = OneLabel.problem_type if labels > 1 else "regression"
    problem = base.source.raw.get("problem_type") or usual
    return None if problem == "regression" else str(problem)


KIND = TextClassification()
