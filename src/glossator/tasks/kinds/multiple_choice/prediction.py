"""The answer of multiple choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ChoicePrediction", "ChoiceScore"]


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """A choice and its calibrated probability, from 0 to 1."""

    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {"text": self.text, "score": round(self.score, 6)}


@dataclass(frozen=True, slots=True)
class ChoicePrediction:
    """The choice that answers one question.

    Attributes:
        index: its number in the row, from 0.
        text: the choice.
        score: its calibrated probability, from 0 to 1.
        choices: all choices in the order of the row; their probabilities add up to 1.
        n_tokens: tokens of the question and of all choices, special tokens left out.
        windows: in how many windows a choice was read at most; more than 1 where it is long.
    """

    index: int
    text: str
    score: float
    choices: tuple[ChoiceScore, ...]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "index": self.index,
            "text": self.text,
            "score": round(self.score, 6),
            "choices": [x.to_json() for x in self.choices],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
