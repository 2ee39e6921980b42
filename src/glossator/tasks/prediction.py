"""What an answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["LabelScore", "Prediction"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label and its calibrated probability, from 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one text.

    Attributes:
        label: the label decided on.
        score: its calibrated probability, from 0 to 1.
        labels: the most probable labels, the most probable first.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    label: str
    score: float
    labels: tuple[LabelScore, ...]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """The answer as `predict` writes it under `prediction`."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "labels": [{"label": x.label, "score": round(x.score, 6)} for x in self.labels],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
