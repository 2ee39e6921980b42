"""How good entities are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.figures import Section
from glossator.evaluation.paired import micro_f1, paired_sums
from glossator.tasks.kinds.entities.tally import EntityTally, marks
from glossator.tasks.kinds.entities.units import Scored, placed
from glossator.tasks.kinds.token_classification.figures import sections
from glossator.tasks.learnable import Encoded
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding
from glossator.text.records import Record

__all__ = ["EntityScoring"]


class _Finding(Protocol):
    """What of a task its scores ask for."""

    labels: tuple[str, ...]

    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """The entities of each row, by its words."""


class EntityScoring:
    """Adds up the scores of entities.

    Args:
        task: finds them.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether what comparing asks for is kept.
    """

    def __init__(self, task: _Finding, *, intervals: bool, paired: bool):
        self._task = task
        self._tally = EntityTally(task.labels, intervals=intervals)
        self._mistakes, self._first = WorstQuotes(), FirstQuotes()
        self.counts: list[tuple[int, int, int]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        found = self._task.found(rows, answers)
        for record, row, spans in zip(records, rows, found, strict=True):
            scored = placed(row, spans)
            predicted, gold = {span for span, _ in scored}, set(record.target)
            self._tally.add(scored, gold)
            hits = len(gold & predicted)
            if self.counts is not None:
                self.counts.append((hits, len(predicted), len(gold)))
            wrong = len(gold) + len(predicted) - 2 * hits
            told = quote_of, record, "", "", None, marks(gold, predicted)
            self._first.offer(*told)
            if wrong:
                self._mistakes.offer(float(wrong), *told)

    def result(self) -> dict[str, Any]:
        """See `EntityTally.result`."""
        return self._tally.result()

    def remarks(self) -> list[Finding]:
        """That no entity is found, and labels that the model does not have."""
        return self._tally.remarks("entity", "entities")

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._tally.scores,
            self._tally.reliability(),
            split=split,
            mistakes=self._mistakes.worst(),
            answers=self._first.quotes,
        )

    def paired(self, other: EntityScoring) -> Paired:
        """See `Scores`; F1 decides."""
        a, b = (np.array(x.counts, np.float64).reshape(-1, 3) for x in (self, other))
        difference = paired_sums("f1", a, b, micro_f1)
        return Paired(
            differences=(difference,),
            tests={},
            p_value=difference.p_value,
            b_is_better=difference.difference > 0,
            same=_same(a, b),
        )


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool((a == b).all())
