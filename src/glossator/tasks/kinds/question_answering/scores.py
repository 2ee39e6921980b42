"""How good answers are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from glossator.evaluation.answer_match import Match
from glossator.evaluation.answer_scores import AnswerScores
from glossator.evaluation.calibration import ReliabilityCounts
from glossator.evaluation.figures import Curve, Mark, Quote, Section
from glossator.evaluation.paired import Values, paired_sums
from glossator.evaluation.row_sample import RowSample
from glossator.tasks.kinds.question_answering.config import Decision, Options
from glossator.tasks.kinds.question_answering.decision import match_of
from glossator.tasks.kinds.question_answering.figures import (
    cut_curve,
    group_table,
    length_curve,
    sections,
)
from glossator.tasks.kinds.question_answering.groups import length_group, question_group
from glossator.tasks.kinds.question_answering.prediction import AnswersPrediction
from glossator.tasks.kinds.question_answering.spans import Ranked
from glossator.tasks.learnable import Encoded
from glossator.tasks.no_skill import useless
from glossator.tasks.quotes import FirstQuotes, WorstQuotes, quote_of
from glossator.tasks.task import Answer, Paired
from glossator.text.findings import Finding, count_of
from glossator.text.records import Record

__all__ = ["AnswerScoring"]

_FEW = 10


class _Answering(Protocol):
    """What of a task its scores ask for."""

    options: Options
    decision: Decision
    nullable: bool

    def decode(self, record: Record, row: Encoded, answer: Answer) -> AnswersPrediction:
        """The prediction for a row."""


class AnswerScoring:
    """Adds up the scores of answers.

    Args:
        task: gives them.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether what comparing asks for is kept.
    """

    def __init__(self, task: _Answering, *, intervals: bool, paired: bool):
        self._task = task
        self._scores = AnswerScores(intervals=intervals)
        self._reliability = ReliabilityCounts()
        # Of a row: characters of its context, F1, best score, its F1 and F1 where none is given.
        self._sample = RowSample(5, np.dtype(np.float64))
        self._words: dict[str, list[float]] = {}
        self._lengths: dict[tuple[int, str], list[float]] = {}
        self._mistakes, self._first = WorstQuotes(), FirstQuotes()
        self._right = self._long = 0
        self.matches: list[tuple[float, float, float]] | None = [] if paired else None

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        for record, row, answer in zip(records, rows, answers, strict=True):
            ranked, found = Ranked(answer), self._task.decode(record, row, answer)
            match = match_of(record, found.text)
            self._add(record, match, _sure(found))
            self._sample.add(np.array([self._sampled(record, match, ranked)]))
            told = _quoted, record, found
            self._first.offer(*told)
            if match.f1 < 1 and not match.exact:
                self._mistakes.offer(1 - match.f1 + _sure(found), *told)
            self._long += _is_longer(record, row, self._task.options.max_answer_length)

    def _add(self, record: Record, match: Match, sure: float) -> None:
        gold = record.target
        self._scores.add(match, answerable=bool(gold.places))
        self._right += match.exact
        self._reliability.add(np.array([[sure]]), np.array([0 if match.exact else -1]))
        sums = np.array([match.f1, match.exact, 1.0])
        group, length = (
            question_group(record.input.question),
            length_group(next(iter(gold.texts), None)),
        )
        self._words[group] = list(sums + self._words.get(group, np.zeros(3)))
        self._lengths[length] = list(sums + self._lengths.get(length, np.zeros(3)))
        if self.matches is not None:
            self.matches.append((match.f1, float(match.exact), 1.0))

    def _sampled(self, record: Record, match: Match, ranked: Ranked) -> tuple[float, ...]:
        context, places = record.input.context, ranked.places
        given = match_of(record, context[slice(*places[0])]).f1 if places else 0.0
        none = float(not record.target.places)
        return len(context), match.f1, ranked.best if places else 0.0, given, none

    def result(self) -> dict[str, Any]:
        """See `AnswerScores.result`, and `ece` of the answers that were given."""
        return self._scores.result() | {"ece": self._reliability.result().ece}

    def remarks(self) -> list[Finding]:
        """That no answer is right, and right ones that are too long to be found."""
        found = []
        if not self._right and self._scores.rows >= _FEW:
            found += useless("the model gives no right answer", self._scores.rows)
        if self._long:
            message = (
                f"{count_of(self._long, 'row')} whose answers all have more tokens than "
                f"--max-answer-length ({self._task.options.max_answer_length}): cannot be found"
            )
            found.append(Finding("long_answers", "warning", message, self._long))
        return found

    def sections(self, split: str) -> list[Section]:
        """See `Scores`."""
        words = sorted(self._words.items(), key=lambda x: -x[1][2])
        lengths = [(name, sums) for (_, name), sums in sorted(self._lengths.items())]
        return sections(
            [
                group_table("By the length of the answer", "First right answer", lengths),
                group_table("By the word that asks", "Question", words),
            ],
            list(self._curves()),
            self._reliability.result(),
            split=split,
            mistakes=self._mistakes.worst(),
            answers=self._first.quotes,
        )

    def _curves(self) -> Iterator[Curve]:
        rows = self._sample.rows
        yield length_curve(rows[:, 0], rows[:, 1])
        if self._task.nullable and self._scores.unanswerable:
            yield cut_curve(rows[:, 2:], self._task.decision.threshold)

    def paired(self, other: AnswerScoring) -> Paired:
        """See `Scores`; F1 decides."""
        a, b = (np.array(x.matches, np.float64).reshape(-1, 3) for x in (self, other))
        differences = tuple(
            paired_sums(name, a[:, [column, 2]], b[:, [column, 2]], _mean)
            for column, name in enumerate(("f1", "exact_match"))
        )
        return Paired(
            differences=differences,
            tests={},
            p_value=differences[0].p_value,
            b_is_better=differences[0].difference > 0,
            same=bool((a == b).all()),
        )


def _mean(sums: Values) -> Values:
    """(R, 2) sum and number of rows -> (R,)."""
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1), np.float64)


def _sure(found: AnswersPrediction) -> float:
    """The probability of what was answered, that there is no answer included."""
    if found.answers:
        return found.answers[0].score
    return found.no_answer or 0.0


def _is_longer(record: Record, row: Encoded, longest: int) -> bool:
    """Whether a row has answers, and none has so few tokens that it can be given."""
    assert row.offsets is not None
    starts, ends = row.offsets.T
    places = record.target.places
    return bool(places) and all(
        np.count_nonzero((starts < end) & (ends > start)) > longest for start, end in places
    )


def _quoted(record: Record, found: AnswersPrediction) -> Quote:
    """The question and its context, with what is right and what was answered marked in it."""
    shift = len(record.input.question) + 1
    given = [(x.start, x.end) for x in found.answers[:1]]
    right = record.target.places
    marks = [Mark(a + shift, b + shift, "answer", "right") for a, b in given if (a, b) in right]
    if not marks:
        marks += [Mark(a + shift, b + shift, "answer", "missed") for a, b in right]
        marks += [Mark(a + shift, b + shift, "answer", "wrong") for a, b in given]
    gold = " or ".join(dict.fromkeys(record.target.texts)) or "no answer"
    score = _sure(found) if found.answers or found.no_answer is not None else None
    return quote_of(record, gold, found.text or "no answer", score, marks)
