"""How well a text answers a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["RankPrediction"]


@dataclass(frozen=True, slots=True)
class RankPrediction:
    """The score of a pair, by which candidates of one query are put in order.

    Attributes:
        score: from 0 to 1; the higher, the better the text answers.
        n_tokens: tokens of both texts, special tokens left out.
        windows: in how many windows they were read; the best of them counts.
    """

    score: float
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "score": round(self.score, 6),
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
