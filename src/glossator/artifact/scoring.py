"""A Predictor held against labelled rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.artifact.predictor import Answers, Predictor
from glossator.errors import TableError
from glossator.evaluation.comparison import McNemar, PairedDifference, mcnemar, paired_bootstrap
from glossator.evaluation.metrics import ClassificationScores
from glossator.evaluation.thresholds import decide
from glossator.memory import give_back_freed_memory
from glossator.text.columns import LabelledText
from glossator.text.seen import is_blank
from glossator.text.tables import Rejection

__all__ = ["CHARACTERS", "CHUNK", "Comparison", "ScoredTable", "chunks", "compare", "evaluate"]

Item = LabelledText | Rejection

# Rows that are read, answered and forgotten together: enough to group texts of like length.
CHUNK = 1024
CHARACTERS = 2**22  # and fewer rows where texts are long
_KEPT = 20  # rejections that are remembered


@dataclass
class ScoredTable:
    """How a model did on a table.

    Attributes:
        scores: confusion, report and reliability of the rows.
        metrics: by the names of `classification_metrics`.
        used: rows that were answered and scored.
        rejected: rows that could not be.
        rejections: the first of them.
        unknown: labels that the model does not have, with their rows; they count as wrong.
    """

    scores: ClassificationScores
    metrics: dict[str, Any] = field(default_factory=dict)
    used: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

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
    accuracy: PairedDifference
    macro_f1: PairedDifference
    mcnemar: McNemar


def evaluate(
    predictor: Predictor,
    items: Iterable[Item],
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _: None,
) -> ScoredTable:
    """Score a model on labelled rows, which may be more than memory holds.

    Args:
        predictor: the model.
        items: rows and rejections; a row with an empty text or label is rejected too.
        chunk: rows that are in memory at a time.
        progress: is told how many rows were done since the last call.

    Raises:
        TableError: no row can be used.
    """
    place = {label: number for number, label in enumerate(predictor.task.labels)}
    decision = predictor.task.decision
    table = ScoredTable(ClassificationScores(predictor.task.labels, threshold=decision.threshold))
    for rows in chunks(items, table.reject, chunk):
        gold = np.array([place.get(row.label, -1) for row in rows])
        table.unknown.update(row.label for row in rows if row.label not in place)
        answers = predictor.answers([row.text for row in rows])
        table.scores.add(answers.probabilities.astype(np.float32), gold)
        table.used += len(rows)
        progress(len(rows))
    if not table.used:
        raise TableError(f"no row can be scored: {table.rejected} of {table.read} were rejected")
    table.metrics = table.scores.result()
    return table


def compare(a: Predictor, b: Predictor, items: Iterable[Item], *, chunk: int = CHUNK) -> Comparison:
    """Two models on the same labelled rows: paired bootstrap and McNemar's test.

    The models may have different labels; a row counts as right where its own label is answered.

    Raises:
        TableError: no row can be used.
    """
    labels: dict[str, int] = {}
    rejected: list[Rejection] = []
    gold: list[int] = []
    chosen: tuple[list[int], list[int]] = ([], [])
    for rows in chunks(items, rejected.append, chunk):
        texts = [row.text for row in rows]
        gold += [labels.setdefault(row.label, len(labels)) for row in rows]
        for model, answered in zip((a, b), chosen, strict=True):
            names = _decided(model, model.answers(texts))
            answered += [labels.setdefault(name, len(labels)) for name in names]
    if not gold:
        raise TableError(f"no row can be compared: {len(rejected)} were rejected")
    right = [np.equal(answered, gold) for answered in chosen]
    return Comparison(
        rows=len(gold),
        rejected=len(rejected),
        accuracy=paired_bootstrap(gold, *chosen, metric="accuracy"),
        macro_f1=paired_bootstrap(gold, *chosen, metric="macro_f1"),
        mcnemar=mcnemar(*right),
    )


def chunks(
    items: Iterable[Item], reject: Callable[[Rejection], None], size: int
) -> Iterator[list[LabelledText]]:
    """The usable rows of `items`, at most `size` at a time; the others go to `reject`."""
    rows: list[LabelledText] = []
    characters = 0
    for item in items:
        rejection = item if isinstance(item, Rejection) else _unusable(item)
        if rejection is not None:
            reject(rejection)
        elif isinstance(item, LabelledText):
            rows.append(item)
            characters += len(item.text)
        if len(rows) == size or characters >= CHARACTERS:
            yield rows
            rows, characters = [], 0
            give_back_freed_memory()
    if rows:
        yield rows


def _unusable(item: LabelledText) -> Rejection | None:
    row = item.row
    for what, value in (("text", item.text), ("label", item.label)):
        if is_blank(value):
            return Rejection(row.source, row.line, f"empty_{what}", f"the {what} is empty")
    return None


def _decided(model: Predictor, answers: Answers) -> list[str]:
    chosen: NDArray[np.int64] = decide(answers.probabilities, model.task.decision.threshold)
    return [model.task.labels[i] for i in chosen]
