"""A Predictor held against rows with the right answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glossator.artifact.predictor import Predictor
from glossator.errors import InputError, TableError
from glossator.evaluation.figures import Measure
from glossator.memory import give_back_freed_memory
from glossator.tasks.registry import columns_scored, config_named
from glossator.tasks.task import Paired, ScoredByColumns, Scores
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection

__all__ = [
    "CHARACTERS",
    "CHUNK",
    "Comparison",
    "ScoredTable",
    "by_columns",
    "chunks",
    "compare",
    "evaluate",
]

# Rows that are read, answered and forgotten together: enough to group texts of like length.
CHUNK = 1024
CHARACTERS = 2**22  # and fewer rows where texts are long
_KEPT = 20  # rejections that are remembered


@dataclass
class ScoredTable:
    """How a model did on a table.

    Attributes:
        scores: of the rows.
        measures: what they measure, the one to judge by first.
        metrics: by the names of the task's measures.
        used: rows that were answered and scored.
        rejected: rows that could not be.
        rejections: the first of them.
    """

    scores: Scores
    measures: Sequence[Measure] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    used: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Rows of the table."""
        return self.used + self.rejected

    def reject(self, rejection: Rejection) -> None:
        """Count a row that cannot be scored."""
        self.rejected += 1
        if len(self.rejections) < _KEPT:
            self.rejections.append(rejection)


@dataclass(frozen=True)
class Comparison:
    """Two models on the same rows; differences are b minus a."""

    rows: int
    rejected: int
    paired: Paired


def by_columns(
    models: Sequence[Predictor], typed: Columns, present: Sequence[str]
) -> list[Predictor]:
    """Models, each told by which columns of a table it is scored, where its task can be told.

    Args:
        models: the first of which reads the table.
        typed: columns that the user named, by role.
        present: those of the table.

    Raises:
        ConfigError: the task reads no rows with such columns together.
    """
    first = models[0]
    if not isinstance(first.task, ScoredByColumns):
        return list(models)
    config = config_named(first.task.name)
    columns = columns_scored(config, first.details.columns, typed, present)
    return [model.scored_by(columns) for model in models]


def evaluate(
    predictor: Predictor,
    items: Iterable[Read],
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _: None,
    **asks: Any,
) -> ScoredTable:
    """Score a model on rows with targets, which may be more than memory holds.

    Args:
        predictor: the model.
        items: rows and rejections, as the model's reader gives them.
        chunk: rows that are in memory at a time.
        progress: is told how many rows were done since the last call.
        **asks: what is wanted of the answers, as for `Predictor.predict`.

    Raises:
        TableError: no row can be used.
    """
    task = predictor.ready(None, asks)
    table = ScoredTable(task.scores(), task.measures)
    for records in chunks(items, table.reject, chunk):
        _add(table.scores, predictor, records, asks)
        table.used += len(records)
        progress(len(records))
    if not table.used:
        raise TableError(f"no row can be scored: {table.rejected} of {table.read} were rejected")
    table.metrics = table.scores.result()
    return table


def compare(
    a: Predictor, b: Predictor, items: Iterable[Read], *, chunk: int = CHUNK, **asks: Any
) -> Comparison:
    """Two models of one task on the same rows.

    Args:
        a: one of them.
        b: the other; it may know other targets than `a`.
        items: rows and rejections, as the reader of `a` gives them.
        chunk: rows that are in memory at a time.
        **asks: what is wanted of the answers, as for `Predictor.predict`.

    Raises:
        InputError: the models answer different tasks.
        TableError: no row can be used.
    """
    scores = [model.ready(None, asks).scores(paired=True) for model in (a, b)]
    if a.task.name != b.task.name or type(scores[0]) is not type(scores[1]):
        does = " ".join(f"{model.task.name}: {model.task.words().does}" for model in (a, b))
        raise InputError(f"the models cannot be compared, since they answer differently. {does}")
    rejected: list[Rejection] = []
    rows = 0
    for records in chunks(items, rejected.append, chunk):
        rows += len(records)
        for model, one in zip((a, b), scores, strict=True):
            _add(one, model, records, asks)
    if not rows:
        raise TableError(f"no row can be compared: {len(rejected)} were rejected")
    return Comparison(rows=rows, rejected=len(rejected), paired=scores[0].paired(scores[1]))


def _add(scores: Scores, model: Predictor, records: list[Record], asks: Mapping[str, Any]) -> None:
    answers = model.answer_records(records, **asks)
    scores.add(records, answers.rows, answers.raw)


def chunks(
    items: Iterable[Read], reject: Callable[[Rejection], None], size: int
) -> Iterator[list[Record]]:
    """The usable rows of `items`, at most `size` at a time; the others go to `reject`."""
    records: list[Record] = []
    characters = 0
    for item in items:
        if isinstance(item, Rejection):
            reject(item)
            continue
        records.append(item)
        characters += sum(map(len, item.texts))
        if len(records) == size or characters >= CHARACTERS:
            yield records
            records, characters = [], 0
            give_back_freed_memory()
    if records:
        yield records
    give_back_freed_memory()  # before what was kept of all rows is gone through
