"""Entities that were found against those that are there, added up row by row."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from glossator.evaluation.calibration import Reliability, ReliabilityCounts
from glossator.evaluation.entities import EntityScores
from glossator.evaluation.figures import Mark
from glossator.tasks.kinds.entities.units import Scored
from glossator.tasks.no_skill import finds_nothing
from glossator.text.findings import Finding
from glossator.text.tagging import Span

__all__ = ["EntityTally", "marks"]


class EntityTally:
    """Adds up how good entities are, and their probabilities.

    Args:
        labels: what entities can be.
        intervals: whether `result` holds bootstrap intervals.
    """

    def __init__(self, labels: Sequence[str], *, intervals: bool):
        self.scores = EntityScores(labels, intervals=intervals)
        self._reliability = ReliabilityCounts()

    def add(self, scored: Sequence[Scored], gold: Set[Span]) -> None:
        """Take in the entities found in a row, and those that are there."""
        self.scores.add([gold], [[span for span, _ in scored]])
        if scored:
            sure = np.array([score for _, score in scored])
            right = np.array([0 if span in gold else -1 for span, _ in scored])
            self._reliability.add(sure[:, None], right)

    def result(self) -> dict[str, Any]:
        """See `EntityScores.result`, and `ece` of the entities that were found."""
        reliability = self.reliability()
        ece = reliability.ece if reliability.count.any() else None
        return self.scores.result() | {"ece": ece}

    def reliability(self) -> Reliability:
        """Of the entities that were found."""
        return self._reliability.result()

    def remarks(self, noun: str, nouns: str) -> list[Finding]:
        """That nothing is found, and labels that the model does not have."""
        skill = finds_nothing(self.scores.report(), noun, self.scores.rows)
        unknown = self.scores.unknown_labels
        if not unknown:
            return skill
        have = f"1 {noun} has" if unknown == 1 else f"{unknown:,} {nouns} have"
        message = f"{have} a label that the model does not have: missed"
        return [*skill, Finding("unknown_label", "warning", message, unknown)]


def marks(gold: Set[Span], predicted: Set[Span]) -> list[Mark]:
    """The entities of a text that were found, missed and invented, in order."""
    found = [Mark(x.start, x.end, x.label, "right") for x in gold & predicted]
    found += [Mark(x.start, x.end, x.label, "missed") for x in gold - predicted]
    found += [Mark(x.start, x.end, x.label, "wrong") for x in predicted - gold]
    return sorted(found, key=lambda mark: (mark.start, mark.end, mark.label))
