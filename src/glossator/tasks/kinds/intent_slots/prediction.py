"""The answer of intents with slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glossator.tasks.kinds.entities.prediction import Entity

__all__ = ["FramePrediction", "IntentScore"]


@dataclass(frozen=True, slots=True)
class IntentScore:
    """An intent and its calibrated probability, from 0 to 1."""

    label: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {"label": self.label, "score": round(self.score, 6)}


@dataclass(frozen=True, slots=True)
class FramePrediction:
    """What one text asks for, with its details.

    Attributes:
        intent: the most probable one.
        score: its calibrated probability, from 0 to 1.
        intents: the most probable ones, the most probable first.
        slots: in the order of their beginnings.
        text: what the slots stand in; of words those with a space between.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    intent: str
    score: float
    intents: tuple[IntentScore, ...]
    slots: tuple[Entity, ...]
    text: str
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "intent": self.intent,
            "score": round(self.score, 6),
            "intents": [x.to_json() for x in self.intents],
            "slots": [x.to_json() for x in self.slots],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
