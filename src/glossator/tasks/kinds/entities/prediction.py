"""An entity as it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from glossator.text.tagging import Span

__all__ = ["Entity", "entities_in"]


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


def entities_in(text: str, found: Iterable[tuple[Span, float]]) -> tuple[Entity, ...]:
    """Spans by the characters of `text`, each with its probability, as entities."""
    return tuple(Entity(x.start, x.end, x.label, text[x.start : x.end], p) for x, p in found)
