"""How good labels are: any number a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.comparison import PairedDifference
from glossator.evaluation.figures import Section
from glossator.evaluation.multilabel import MultilabelScores
from glossator.evaluation.paired import micro_f1, paired_sums
from glossator.tasks.kinds.text_classification.several_figures import sections
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import finds_nothing
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record

__all__ = ["LabelsScores"]

_SHOWN = 5


class _Deciding(Protocol):
    """What of a task its scores ask for."""

    labels: tuple[str, ...]

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """(C,) the probability above which a text has a label."""

    def targets(self, records: Sequence[Record]) -> NDArray[np.bool_]:
        """(N, C) which labels each row has."""

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.bool_]:
        """(N, C) the labels decided on."""


class LabelsScores:
    """Adds up the scores of answers with any number of labels.

    Args:
        task: decides on labels.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether what comparing asks for is kept.
    """

    def __init__(self, task: _Deciding, *, intervals: bool, paired: bool):
        self._task = task
        self._scores = MultilabelScores(
            task.labels, thresholds=task.thresholds, intervals=intervals
        )
        self._mistakes, self._first = WorstQuotes(), FirstQuotes()
        self._unknown = Counter[str]()
        self.counts: list[NDArray[np.int64]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        task = self._task
        chances, targets = task.probabilities(answers), task.targets(records)
        chosen = task.chosen(chances)
        self._scores.add(chances, targets)
        if self.counts is not None:
            hits = (chosen & targets).sum(axis=1)
            whole = [len(record.target) for record in records]
            self.counts.append(np.stack([hits, chosen.sum(axis=1), whole], axis=1))
        wrong = np.where(chosen != targets, np.abs(chances - targets), 0).max(axis=1)
        for number, record in enumerate(records):
            self._unknown.update(x for x in record.target if x not in task.labels)
            gold = ", ".join(record.target) or "none"
            got = ", ".join(task.labels[i] for i in np.flatnonzero(chosen[number])) or "none"
            self._first.offer(quote_of, record, gold, got)
            if wrong[number] or got != gold:
                self._mistakes.offer(float(wrong[number]), quote_of, record, gold, got)

    def result(self) -> dict[str, Any]:
        """See `MultilabelScores.result`."""
        return self._scores.result()

    def remarks(self) -> list[Finding]:
        """That no label is answered rightly, and labels that the model does not have."""
        skill = finds_nothing(self._scores.report(), "label", self._scores.rows)
        return [*skill, *self._unknown_labels()]

    def _unknown_labels(self) -> list[Finding]:
        if not self._unknown:
            return []
        total, most = self._unknown.total(), self._unknown.most_common(_SHOWN)
        names = ", ".join(f"{quoted(name)} ({count:,})" for name, count in most)
        message = f"{count_of(total, 'label')} that the model does not have, left out: {names}"
        return [Finding("unknown_label", "warning", message, total)]

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._scores,
            self._task.thresholds.tolist(),
            split=split,
            mistakes=self._mistakes.worst(),
            answers=self._first.quotes,
        )

    def paired(self, other: LabelsScores) -> Paired:
        """See `Scores`."""
        assert self.counts is not None
        assert other.counts is not None
        a, b = np.concatenate(self.counts), np.concatenate(other.counts)
        difference: PairedDifference = paired_sums("micro_f1", a, b, micro_f1)
        return Paired(
            differences=(difference,),
            tests={},
            p_value=difference.p_value,
            b_is_better=difference.difference > 0,
            same=bool((a == b).all()),
        )
