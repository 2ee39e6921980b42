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
        label: the most probable intent.
        score: its calibrated probability, from 0 to 1.
        labels: the most probable intents, the most probable first.
        entities: the slots, in the order of their beginnings.
        text: what the slots stand in; of words those with a space between.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    label: str
    score: float
    labels: tuple[IntentScore, ...]
    entities: tuple[Entity, ...]
    text: str
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "labels": [x.to_json() for x in self.labels],
            "entities": [x.to_json() for x in self.entities],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
