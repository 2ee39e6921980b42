"""How good labels are: one a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.calibration import ReliabilityCounts, softmax
from glossator.evaluation.comparison import mcnemar, paired_bootstrap
from glossator.evaluation.figures import Section
from glossator.evaluation.metrics import ClassificationScores
from glossator.evaluation.thresholds import ThresholdCounts, ThresholdCurve
from glossator.tasks.kinds.text_classification.config import Decision
from glossator.tasks.kinds.text_classification.figures import MEASURES, Calibration, sections
from glossator.tasks.kinds.text_classification.refusals import Refusals
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import no_skill
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record

__all__ = ["LabelScores"]

_SHOWN = 5
_UNSCORED = {**dict.fromkeys(measure.name for measure in MEASURES), "unknown_labels": 0}


class _Deciding(Protocol):
    """What of a task its scores ask for."""

    labels: tuple[str, ...]
    decision: Decision

    def targets(self, records: Sequence[Record]) -> NDArray[np.int64]:
        """(N,) the class of each row; -1 for an unknown one."""

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) the class decided on."""

    def logits(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, C) what the classes got."""

    def outside(self, records: Sequence[Record]) -> NDArray[np.bool_]:
        """(N,) whether each row belongs to no class by its label."""

    def numbers(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N,) how little each looks like what was learned; 0 without a rule."""

    def said(self, answers: Sequence[Answer]) -> list[str]:
        """(N,) what is answered in a word: a label, or that there is none."""

    def refusals(self, *, intervals: bool) -> list[Refusals]:
        """Nothing added up yet."""


class LabelScores:
    """Adds up the scores of answers with one label.

    Args:
        task: decides on labels.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether the answers are kept, to be held against another model's.
    """

    def __init__(self, task: _Deciding, *, intervals: bool, paired: bool):
        self._task = task
        self._scores = ClassificationScores(
            task.labels, threshold=task.decision.threshold, intervals=intervals
        )
        self._refusals = task.refusals(intervals=intervals)
        self._before = ReliabilityCounts()
        self._mistakes = WorstQuotes()
        self._first = FirstQuotes()
        self._unknown = Counter[str]()
        self._outside = 0
        self._above = ThresholdCounts()
        self.named: list[tuple[str, str]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        task = self._task
        chances, targets = task.probabilities(answers), task.targets(records)
        outside = task.outside(records)
        for each in self._refusals:
            each.add(chances, targets, outside, task.numbers(answers))
        inside = ~outside
        self._outside += int(outside.sum())
        self._scores.add(chances[inside], targets[inside])
        self._before.add(softmax(task.logits(answers))[inside], targets[inside])
        unknown = (targets < 0) & inside
        self._unknown.update(r.target for r, odd in zip(records, unknown, strict=True) if odd)
        if len(task.labels) == 2:
            self._above.add(chances[inside, 1], targets[inside])
        self._quote(records, chances, task.said(answers))

    def _quote(
        self, records: Sequence[Record], chances: NDArray[np.float64], said: Sequence[str]
    ) -> None:
        chosen = self._task.chosen(chances)
        for number, record in enumerate(records):
            label, sure = said[number], float(chances[number, chosen[number]])
            self._first.offer(quote_of, record, record.target, label, sure)
            if self.named is not None:
                self.named.append((record.target, label))
            if label != record.target:
                self._mistakes.offer(sure, quote_of, record, record.target, label, sure)

    @property
    def _nothing_inside(self) -> bool:
        """Whether there are rows, and none belongs to a class."""
        return self._outside > 0 and not self._scores.rows

    def result(self) -> dict[str, Any]:
        """See `ClassificationScores.result`, of rows that belong to a class, and `Refusals`."""
        # Rows of which none belongs to a class still tell how many of them are found.
        found = dict(_UNSCORED) if self._nothing_inside else self._scores.result()
        for each in self._refusals:
            found |= each.result()
        return found

    def remarks(self) -> list[Finding]:
        """That the model tells nothing apart, and labels that it does not have."""
        if self._nothing_inside:
            rows = count_of(self._outside, "row")
            message = f"all {rows} are out of scope: how good the labels are is not known"
            return [Finding("all_out_of_scope", "info", message, self._outside)]
        skill = no_skill(self._task.labels, self._scores.confusion())
        return [*skill, *self._unknown_labels()]

    def _unknown_labels(self) -> list[Finding]:
        if not self._unknown:
            return []
        rows, most = self._unknown.total(), self._unknown.most_common(_SHOWN)
        names = ", ".join(f"{quoted(name)} ({count:,})" for name, count in most)
        more = f" and {len(self._unknown) - _SHOWN:,} more" if len(self._unknown) > _SHOWN else ""
        have = f"{count_of(rows, 'row')} with a label that the model does not have"
        message = f"{have}, counted as wrong: {names}{more}"
        return [Finding("unknown_label", "warning", message, rows, tuple(self._unknown)[:_SHOWN])]

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        decision = self._task.decision
        calibration = Calibration(
            temperature=decision.temperature,
            before=self._before.result(),
            after=self._scores.reliability(),
            threshold=decision.threshold,
            curve=self._curve(),
        )
        found = sections(
            self._scores,
            split=split,
            mistakes=self._mistakes.worst(),
            answers=self._first.quotes,
            calibration=calibration,
        )
        return [*found, *(each.section(split) for each in self._refusals)]

    def _curve(self) -> ThresholdCurve | None:
        return self._above.result() if self._above.rows and not self._unknown else None

    def paired(self, other: LabelScores) -> Paired:
        """See `Scores`; a row is right where its own label is answered, whoever else has it."""
        assert self.named is not None
        assert other.named is not None
        places: dict[str, int] = {}
        gold, a = self._numbers(self.named, places)
        _, b = self._numbers(other.named, places)
        test = mcnemar(a == gold, b == gold)
        return Paired(
            differences=(
                paired_bootstrap(gold, a, b, metric="accuracy"),
                paired_bootstrap(gold, a, b, metric="macro_f1"),
            ),
            tests={"mcnemar": vars(test)},
            p_value=test.p_value,
            b_is_better=test.only_b > test.only_a,
            same=not test.only_a + test.only_b,
        )

    @staticmethod
    def _numbers(
        named: Sequence[tuple[str, str]], places: dict[str, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(N,) each of right labels and answers, by numbers that `places` gives to names."""
        both = [[places.setdefault(name, len(places)) for name in pair] for pair in named]
        gold, answered = np.array(both, np.int64).reshape(-1, 2).T
        return gold, answered
