"""How good relations are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.calibration import ReliabilityCounts, softmax
from glossator.evaluation.comparison import mcnemar
from glossator.evaluation.figures import Mark, Quote, Section
from glossator.evaluation.relations import RelationCounts, paired_relations
from glossator.tasks.kinds.relation_extraction.config import Decision
from glossator.tasks.kinds.relation_extraction.figures import sections
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import no_skill
from glossator.tasks.quotes import FirstQuotes, WorstQuotes
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record

__all__ = ["RelationScores"]

_SHOWN = 5
_SMALLEST = 1e-15


class _Deciding(Protocol):
    """What of a task its scores ask for."""

    labels: tuple[str, ...]
    negative: str | None
    decision: Decision

    @property
    def directed(self) -> bool:
        """Whether relations have directions."""

    def targets(self, records: Sequence[Record]) -> NDArray[np.int64]:
        """(N,) the number of each row's relation; -1 for an unknown one."""


class RelationScores:
    """Adds up the scores of relations.

    Args:
        task: names them.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether the answers are kept, to be held against another model's.
    """

    def __init__(self, task: _Deciding, *, intervals: bool, paired: bool):
        self._task, self._intervals = task, intervals
        self._counts = RelationCounts(task.negative, directed=task.directed)
        self._log_loss, self._known = 0.0, 0
        self._before, self._after = ReliabilityCounts(), ReliabilityCounts()
        self._worst, self._first = WorstQuotes(), FirstQuotes()
        self.named: list[tuple[str, str]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        if not len(records):
            return
        targets, logits = self._task.targets(records), np.stack(answers)
        chances = softmax(logits, self._task.decision.temperature)
        known = targets >= 0
        right = chances[known, targets[known]]
        self._log_loss -= float(np.log(np.maximum(right, _SMALLEST)).sum())
        self._known += int(known.sum())
        self._after.add(chances, targets)
        self._before.add(softmax(logits), targets)
        for record, chosen, sure in zip(records, chances.argmax(1), chances.max(1), strict=True):
            self._tell(record, self._task.labels[chosen], float(sure))

    def _tell(self, record: Record, answer: str, sure: float) -> None:
        self._counts.add(record.target, answer)
        self._first.offer(_quote, record, answer, sure)
        if answer != record.target:
            self._worst.offer(sure, _quote, record, answer, sure)
        if self.named is not None:
            self.named.append((record.target, answer))

    def result(self) -> dict[str, Any]:
        """See `RelationCounts.result`, and how true the probabilities are.

        log_loss: in nats a row, over relations that the model has; None where there are none.
        ece: expected calibration error of the relation that is answered, 15 bins.
        """
        found = self._counts.result(intervals=self._intervals)
        log_loss = self._log_loss / self._known if self._known else None
        return found | {"log_loss": log_loss, "ece": self._after.result().ece}

    def remarks(self) -> list[Finding]:
        """That the model tells nothing apart, and relations that it does not have."""
        labels = self._task.labels
        skill = no_skill(labels, self._counts.confusion(labels)) if self._known else []
        return [*skill, *self._unknown()]

    def _unknown(self) -> list[Finding]:
        found = Counter[str]()
        for (gold, _), count in self._counts.pairs.items():
            if gold not in self._task.labels:
                found[gold] += count
        if not found:
            return []
        names = ", ".join(f"{quoted(x)} ({count:,})" for x, count in found.most_common(_SHOWN))
        more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
        rows = found.total()
        have = f"{count_of(rows, 'row')} with a relation that the model does not have"
        message = f"{have}, counted as wrong: {names}{more}"
        return [Finding("unknown_relation", "warning", message, rows, tuple(found)[:_SHOWN])]

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._counts,
            self._task.labels,
            split=split,
            mistakes=self._worst.worst(),
            answers=self._first.quotes,
            temperature=self._task.decision.temperature,
            before=self._before.result(),
            after=self._after.result(),
        )

    def paired(self, other: RelationScores) -> Paired:
        """See `Scores`; the F1 that decides is that of this model's task."""
        assert self.named is not None
        assert other.named is not None
        gold = [name for name, _ in self.named]
        a, b = ([answer for _, answer in x.named or ()] for x in (self, other))
        names = ("macro_f1", "micro_f1") if self._counts.directed else ("micro_f1", "macro_f1")
        differences = tuple(
            paired_relations(name, self._counts, gold, a, b) for name in (*names, "accuracy")
        )
        test = mcnemar(*(np.array([x == y for x, y in zip(gold, z, strict=True)]) for z in (a, b)))
        return Paired(
            differences=differences,
            tests={"mcnemar": vars(test)},
            p_value=differences[0].p_value,
            b_is_better=differences[0].difference > 0,
            same=a == b,
        )


def _quote(record: Record, answer: str, score: float) -> Quote:
    pair, row = record.input, record.row
    marks = [
        Mark(start, end, side, "right")
        for side, (start, end) in (("head", pair.head), ("tail", pair.tail))
    ]
    return Quote(
        pair.text, record.target, answer, score, source=row.source, line=row.line, marks=marks
    )
