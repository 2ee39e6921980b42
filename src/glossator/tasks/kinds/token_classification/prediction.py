"""The answers of token classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glossator.tasks.kinds.entities.prediction import Entity

__all__ = ["EntitiesPrediction"]


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
