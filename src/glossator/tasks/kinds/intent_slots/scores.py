"""How good frames are: the intent, the slots, and both at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.calibration import ReliabilityCounts, softmax
from glossator.evaluation.comparison import mcnemar
from glossator.evaluation.figures import Quote, Section
from glossator.evaluation.metrics import ClassificationScores
from glossator.evaluation.paired import micro_f1, paired_sums
from glossator.evaluation.proportions import unless_degenerate
from glossator.tasks.kinds.entities.tally import EntityTally, marks
from glossator.tasks.kinds.entities.units import Scored
from glossator.tasks.kinds.intent_slots.config import Decision
from glossator.tasks.kinds.intent_slots.figures import Causes, sections
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import no_skill
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of, quoted
from glossator.text.records import Record
from glossator.text.tagging import Span

__all__ = ["FrameScores"]

_SHOWN = 5
_OF_INTENTS = {"intent_accuracy": "accuracy", "intent_macro_f1": "macro_f1", "ece": "ece"}
_OF_SLOTS = {
    "slot_f1": "f1",
    "slot_precision": "precision",
    "slot_recall": "recall",
    "slot_macro_f1": "macro_f1",
    "slot_ece": "ece",
    "slots": "entities",
}


class _Deciding(Protocol):
    """What of a task its scores ask for."""

    intents: tuple[str, ...]
    labels: tuple[str, ...]
    decision: Decision

    def targets(self, records: Sequence[Record]) -> list[int]:
        """(N,) the intent of each row; -1 for an unknown one."""

    def intent_logits(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, I) of the intents."""

    def chances(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, I) calibrated probabilities of the intents."""

    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """The slots of each row by the characters of its text."""


class FrameScores:
    """Adds up the scores of frames.

    Args:
        task: says what they are.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether what comparing asks for is kept.
    """

    def __init__(self, task: _Deciding, *, intervals: bool, paired: bool):
        self._task, self._intervals = task, intervals
        self._intents = ClassificationScores(task.intents, intervals=intervals)
        self._before = ReliabilityCounts()
        self._slots = EntityTally(task.labels, intervals=intervals)
        self._causes: Causes = Counter()
        self._unknown = Counter[str]()
        self._mistakes, self._first = WorstQuotes(), FirstQuotes()
        # Of each row: frame right, intent right, slots that are right, found, and there.
        self.sums: list[tuple[int, int, int, int, int]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        task = self._task
        chances, targets = task.chances(answers), np.array(task.targets(records), np.int64)
        self._intents.add(chances, targets)
        self._before.add(softmax(task.intent_logits(answers)), targets)
        for record, chance, scored in zip(records, chances, task.found(rows, answers), strict=True):
            self._add(record, task.intents[int(chance.argmax())], float(chance.max()), scored)

    def _add(self, record: Record, intent: str, sure: float, scored: Sequence[Scored]) -> None:
        right, gold = record.target.intent, set(record.target.slots)
        predicted = {span for span, _ in scored}
        self._slots.add(scored, gold)
        if right not in self._task.intents:
            self._unknown[right] += 1
        self._causes[right, intent == right, gold == predicted] += 1
        hits = len(gold & predicted)
        if self.sums is not None:
            whole = int(intent == right and gold == predicted)
            counted = (hits, len(predicted), len(gold))
            self.sums.append((whole, int(intent == right), *counted))
        told = _quote, record, intent, sure, gold, predicted
        self._first.offer(*told)
        wrong = len(gold) + len(predicted) - 2 * hits + (1 + sure) * (intent != right)
        if wrong:
            self._mistakes.offer(float(wrong), *told)

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            frame_accuracy: share of the rows whose intent and all of whose slots are right.
            intent_accuracy, intent_macro_f1, ece: see `ClassificationScores.result`.
            slot_f1, slot_precision, slot_recall, slot_macro_f1, slot_ece, slots: see
                `EntityTally.result`.
            NAME_ci: `[low, high]` of some.

        Raises:
            InputError: there are no rows.
        """
        intents = _renamed(self._intents.result(), _OF_INTENTS)
        return self._of_frames() | intents | _renamed(self._slots.result(), _OF_SLOTS)

    def _of_frames(self) -> dict[str, Any]:
        rows = self._causes.total()
        right = sum(n for (_, intent, slots), n in self._causes.items() if intent and slots)
        found: dict[str, Any] = {"frame_accuracy": right / rows}
        if self._intervals:
            cells = np.array([right, rows - right])
            statistics = {"frame_accuracy": lambda counts: counts[:, 0] / rows}
            low_high = bootstrap_intervals(cells, statistics)["frame_accuracy"]
            found["frame_accuracy_ci"] = unless_degenerate(low_high, rows)
        return found

    def remarks(self) -> list[Finding]:
        """That a guess would be as good, and what the model does not know."""
        found = no_skill(self._task.intents, self._intents.confusion())
        found += self._slots.remarks("slot", "slots")
        rows = self._unknown.total()
        if rows:
            have = f"{count_of(rows, 'row')} {'has' if rows == 1 else 'have'} an intent"
            names = ", ".join(map(quoted, [*self._unknown][:_SHOWN]))
            message = f"{have} that the model does not have, counted as wrong: {names}"
            found.append(Finding("unknown_intent", "warning", message, rows))
        return found

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._causes,
            self._intents,
            self._slots,
            decision=self._task.decision,
            before=self._before.result(),
            split=split,
            mistakes=self._mistakes.worst(),
            answers=self._first.quotes,
        )

    def paired(self, other: FrameScores) -> Paired:
        """See `Scores`; McNemar's test on whole frames decides."""
        a, b = (np.array(x.sums, np.float64).reshape(-1, 5) for x in (self, other))
        test = mcnemar(a[:, 0], b[:, 0])
        return Paired(
            differences=(
                paired_sums("frame_accuracy", _shares(a, 0), _shares(b, 0), _share),
                paired_sums("slot_f1", a[:, 2:], b[:, 2:], micro_f1),
                paired_sums("intent_accuracy", _shares(a, 1), _shares(b, 1), _share),
            ),
            tests={"mcnemar": vars(test)},
            p_value=test.p_value,
            b_is_better=test.only_b > test.only_a,
            same=bool((a == b).all()),
        )


def _renamed(scores: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Scores by our names for theirs, with their intervals."""
    both = {ours + end: theirs + end for ours, theirs in names.items() for end in ("", "_ci")}
    return {ours: scores[theirs] for ours, theirs in both.items() if theirs in scores}


def _shares(sums: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """(N, 2) what a column adds to its sum, and to the rows."""
    return np.stack([sums[:, column], np.ones(len(sums))], axis=1)


def _share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sums[:, 0] / sums[:, 1], np.float64)


def _quote(
    record: Record, intent: str, sure: float, gold: set[Span], predicted: set[Span]
) -> Quote:
    return quote_of(record, record.target.intent, intent, sure, marks(gold, predicted))
