"""How good choices are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glossator.errors import InputError
from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.calibration import ReliabilityCounts, softmax
from glossator.evaluation.comparison import mcnemar, paired_bootstrap
from glossator.evaluation.figures import Quote, Section
from glossator.evaluation.proportions import unless_degenerate
from glossator.tasks.kinds.multiple_choice.config import Decision
from glossator.tasks.kinds.multiple_choice.figures import Counted, sections
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import useless
from glossator.tasks.quotes import FirstQuotes, WorstQuotes
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of
from glossator.text.records import Record

__all__ = ["ChoiceScores"]

_FEW = 10  # rows that say nothing of skill
_SMALLEST = 1e-15


class ChoiceScores:
    """Adds up the scores of answered questions.

    A choice with the text of the right one is right, wherever it stands.

    Args:
        decision: how logits become probabilities.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether the answers are kept, to be held against another model's.
    """

    def __init__(self, decision: Decision, *, intervals: bool, paired: bool):
        self._decision, self._intervals = decision, intervals
        self._counted = Counted(temperature=decision.temperature)
        self._log_loss = 0.0
        self._before, self._after = ReliabilityCounts(), ReliabilityCounts()
        self._worst, self._first = WorstQuotes(), FirstQuotes()
        self._pairs: list[tuple[int, int]] | None = [] if paired else None  # right and answered

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        for record, logits in zip(records, answers, strict=True):
            self._add(record, logits)

    def _add(self, record: Record, logits: Answer) -> None:
        choices, right = record.input[1], record.target
        chances = softmax(logits, self._decision.temperature)
        chosen = int(chances.argmax())
        hit = choices[chosen] == right.text
        chosen = right.index if hit else chosen
        self._counted.add(len(choices), right.index, chosen)
        self._log_loss -= float(np.log(max(chances[right.index], _SMALLEST)))
        gold = np.array([0 if hit else -1])  # of a table of one class: the one answered
        self._after.add(np.array([[chances.max()]]), gold)
        self._before.add(np.array([[softmax(logits).max()]]), gold)
        sure = float(chances.max())
        self._first.offer(_quote, record, choices[chosen], sure)
        if not hit:
            self._worst.offer(sure, _quote, record, choices[chosen], sure)
        if self._pairs is not None:
            self._pairs.append((right.index, chosen))

    def result(self) -> dict[str, Any]:
        """The scores of all rows so far.

        Returns:
            accuracy: share of the rows whose choice is right.
            log_loss: in nats a row.
            ece: expected calibration error of the choice that is answered, 15 bins.
            chance: the accuracy of a guess.
            accuracy_ci: `[low, high]`.

        Raises:
            InputError: there are no rows.
        """
        rows, right = self._counted.rows, self._counted.right
        if not rows:
            raise InputError("there are no rows to score")
        found: dict[str, Any] = {
            "accuracy": right / rows,
            "log_loss": self._log_loss / rows,
            "ece": self._after.result().ece,
            "chance": self._counted.chance,
        }
        if self._intervals:
            cells = np.array([right, rows - right])
            statistics = {"accuracy": lambda counts: counts[:, 0] / rows}
            low_high = bootstrap_intervals(cells, statistics)["accuracy"]
            found["accuracy_ci"] = unless_degenerate(low_high, rows)
        return found

    def remarks(self) -> list[Finding]:
        """That a guess would be as good."""
        rows, right, chance = self._counted.rows, self._counted.right, self._counted.chance
        if rows < _FEW or right > chance * rows:
            return []
        what = (
            f"the model is no better than a guess: {right:,} of {count_of(rows, 'row')} are right, "
            f"and of guesses {chance:.1%} would be"
        )
        return useless(what, rows)

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        return sections(
            self._counted,
            split=split,
            mistakes=self._worst.worst(),
            answers=self._first.quotes,
            before=self._before.result(),
            after=self._after.result(),
        )

    def paired(self, other: ChoiceScores) -> Paired:
        """See `Scores`."""
        assert self._pairs is not None
        assert other._pairs is not None
        gold, a = np.array(self._pairs, np.int64).reshape(-1, 2).T
        b = np.array(other._pairs, np.int64).reshape(-1, 2)[:, 1]
        test = mcnemar(a == gold, b == gold)
        return Paired(
            differences=(paired_bootstrap(gold, a, b, metric="accuracy"),),
            tests={"mcnemar": vars(test)},
            p_value=test.p_value,
            b_is_better=test.only_b > test.only_a,
            same=not test.only_a + test.only_b,
        )


def _quote(record: Record, answer: str, score: float) -> Quote:
    question, choices = record.input
    text = "\n".join([question, *(f"{number}: {choice}" for number, choice in enumerate(choices))])
    row = record.row
    return Quote(text, record.target.text, answer, score, source=row.source, line=row.line)
