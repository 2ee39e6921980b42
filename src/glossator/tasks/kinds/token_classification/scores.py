"""How good entities are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.calibration import ReliabilityCounts
from glossator.evaluation.entities import EntityScores
from glossator.evaluation.figures import Mark, Section
from glossator.evaluation.paired import micro_f1, paired_sums
from glossator.tasks.kinds.token_classification.figures import sections
from glossator.tasks.kinds.token_classification.units import Scored, placed
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import finds_nothing
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding
from glossator.text.records import Record
from glossator.text.tagging import Span

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
        self._scores = EntityScores(task.labels, intervals=intervals)
        self._reliability = ReliabilityCounts()
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
            self._scores.add([gold], [predicted])
            self._trust(scored, gold)
            hits = len(gold & predicted)
            if self.counts is not None:
                self.counts.append((hits, len(predicted), len(gold)))
            wrong = len(gold) + len(predicted) - 2 * hits
            told = quote_of, record, "", "", None, _marks(gold, predicted)
            self._first.offer(*told)
            if wrong:
                self._mistakes.offer(float(wrong), *told)

    def _trust(self, scored: Sequence[tuple[Span, float]], gold: set[Span]) -> None:
        if scored:
            sure = np.array([score for _, score in scored])
            right = np.array([0 if span in gold else -1 for span, _ in scored])
            self._reliability.add(sure[:, None], right)

    def result(self) -> dict[str, Any]:
        """See `EntityScores.result`, and `ece` of the entities that were found."""
        found = self._scores.result()
        reliability = self._reliability.result()
        return found | {"ece": reliability.ece if reliability.count.any() else None}

    def remarks(self) -> list[Finding]:
        """That no entity is found, and labels that the model does not have."""
        skill = finds_nothing(self._scores.report(), "entity", self._scores.rows)
        unknown = self._scores.unknown_labels
        if not unknown:
            return skill
        message = f"{unknown:,} entities have a label that the model does not have: missed"
        return [*skill, Finding("unknown_label", "warning", message, unknown)]

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._scores,
            self._reliability.result(),
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


def _marks(gold: set[Span], predicted: set[Span]) -> list[Mark]:
    marks = [Mark(x.start, x.end, x.label, "right") for x in gold & predicted]
    marks += [Mark(x.start, x.end, x.label, "missed") for x in gold - predicted]
    marks += [Mark(x.start, x.end, x.label, "wrong") for x in predicted - gold]
    return sorted(marks, key=lambda mark: (mark.start, mark.end, mark.label))
