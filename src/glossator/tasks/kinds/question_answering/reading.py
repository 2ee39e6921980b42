"""Rows as questions, contexts and the places of answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.tasks.kinds.question_answering.examiner import AnswerExaminer
from glossator.tasks.kinds.question_answering.gold import Gold, gold_of
from glossator.tasks.offsets import Unfit
from glossator.tasks.reading import given_texts
from glossator.text.columns import read_text, rejected
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["Asked", "QuestionReader"]

_SIDES = ("question", "context")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the text that its answer is found in."""

    question: str
    context: str


class QuestionReader:
    """Reads a question and its context, and the answers.

    Args:
        columns: by role.
        refusal: why a question cannot be answered, if it cannot.
    """

    def __init__(self, columns: Columns, refusal: Callable[[str], str | None] = lambda _: None):
        self.columns, self._refusal = columns, refusal

    @property
    def inputs(self) -> Columns:
        """See `Reader`."""
        return {side: self.columns.get(side, (side,)) for side in _SIDES}

    def given(self, value: Any) -> Mapping[str, Any]:
        """See `Reader`: a pair of question and context, or a mapping."""
        return given_texts(value, self.inputs)

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        texts = []
        for side, columns in self.inputs.items():
            text = read_text(row, columns, side)
            if isinstance(text, Rejection):
                return text
            texts.append(text)
        question, context = texts
        if why := self._refusal(question):
            return rejected(row, "long_question", why)
        gold = self._gold(row, context) if targets else None
        if isinstance(gold, Rejection):
            return gold
        asked = Asked(question, context)
        return Record(row, asked, gold, (question, context), together=context)

    def _gold(self, row: Row, context: str) -> Gold | Rejection:
        (column,) = self.columns["answers"]
        if column not in row.values:
            return rejected(row, "missing_column", f"the row has no column '{column}'")
        try:
            return gold_of(row.values[column], context)
        except Unfit as why:
            return rejected(row, why.kind, f"column '{column}': {why}")

    def examiner(self) -> AnswerExaminer:
        """See `Reader`."""
        return AnswerExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """Whether there is an answer, where that differs."""
        found = [bool(record.target.places) for record in records]
        return found if len(set(found)) > 1 else None
