"""The answers of question answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["AnswersPrediction", "FoundAnswer"]


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """A stretch of a context that answers a question.

    Attributes:
        text: the characters of the context from `start` to before `end`.
        start: the first character.
        end: the character after the last one.
        score: its probability, from 0 to 1.
    """

    text: str
    start: int
    end: int
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "score": round(self.score, 6),
        }


@dataclass(frozen=True, slots=True)
class AnswersPrediction:
    """The answers to one question.

    Attributes:
        answers: the most probable first; none where the context has no answer.
        no_answer: the probability that there is none, of a model that has learned that.
        n_tokens: tokens of question and context, special tokens left out.
        windows: in how many windows they were read; more than 1 for a long context.
    """

    answers: tuple[FoundAnswer, ...]
    no_answer: float | None
    n_tokens: int
    windows: int

    @property
    def text(self) -> str:
        """The best answer; empty where there is none."""
        return self.answers[0].text if self.answers else ""

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        none = {} if self.no_answer is None else {"no_answer": round(self.no_answer, 6)}
        return {
            "answers": [answer.to_json() for answer in self.answers],
            **none,
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
