"""The answers of token classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["EntitiesPrediction", "Entity"]


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of a text and what it is.

    Attributes:
        start: its first character.
        end: the character after its last one.
        label: what it is.
        text: the characters between.
        score: its probability, from 0 to 1.
    """

    start: int
    end: int
    label: str
    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "text": self.text,
            "score": round(self.score, 6),
        }


@dataclass(frozen=True, slots=True)
class EntitiesPrediction:
    """The entities of one text.

    Attributes:
        entities: in the order of their beginnings.
        text: what they stand in; of words those with a space between.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    entities: tuple[Entity, ...]
    text: str
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "entities": [entity.to_json() for entity in self.entities],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
