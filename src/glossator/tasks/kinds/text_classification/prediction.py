"""The answers of text classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glossator.tasks.kinds.text_classification.values import Label

__all__ = ["LabelPrediction", "LabelScore", "LabelsPrediction"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label, of the type that it was learned with, and its probability, calibrated, 0 to 1."""

    label: Label
    score: float

    def to_json(self) -> dict[str, Any]:
        """As `predict` writes it."""
        return {"label": self.label, "score": round(self.score, 6)}


@dataclass(frozen=True, slots=True)
class LabelPrediction:
    """The label of one text.

    Attributes:
        label: the label decided on, of the type that it was learned with.
        score: its calibrated probability, from 0 to 1.
        labels: the most probable labels, the most probable first.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    label: Label
    score: float
    labels: tuple[LabelScore, ...]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "labels": [x.to_json() for x in self.labels],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }


@dataclass(frozen=True, slots=True)
class LabelsPrediction:
    """The labels of one text, of which there may be none.

    Attributes:
        labels: those whose probability is above their threshold, the most probable first.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
    """

    labels: tuple[LabelScore, ...]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        return {
            "labels": [x.to_json() for x in self.labels],
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }
