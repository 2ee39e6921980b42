"""What a search finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Hit", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of a text that is nearest to a query.

    Attributes:
        start: its first character.
        end: the character after its last one.
        text: what stands there.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found.

    Attributes:
        rank: its place, from 1.
        id: of the row.
        score: by words that of BM25, by vectors the cosine, by both the sum of 1 / (60 + rank),
            reranked what the ranker says; the higher, the better, and of one query alone.
        row: its values by column.
        words: those of the query that stand in it.
        window: the nearest one, where the index has vectors of windows and was searched by them.
    """

    rank: int
    id: str
    score: float
    row: Mapping[str, Any]
    words: tuple[str, ...] = ()
    window: Window | None = None

    def to_json(self) -> dict[str, Any]:
        """The hit as `search` writes it."""
        found = {
            "rank": self.rank,
            "id": self.id,
            "score": self.score,
            "row": dict(self.row),
            "words": list(self.words),
        }
        if self.window is not None:
            window = self.window
            found["window"] = {"start": window.start, "end": window.end, "text": window.text}
        return found
