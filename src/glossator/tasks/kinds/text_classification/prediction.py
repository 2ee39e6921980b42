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
        label: the label decided on, of the type that it was learned with; None where the text is
            out of scope, or its set does not hold a single label.
        score: the calibrated probability of the label that is to be said in any case, from 0 to 1.
        labels: the most probable labels, the most probable first.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read; more than 1 for a long text.
        set: the labels that are probable enough, of which there may be none; None: not asked for.
        out_of_scope: whether the text belongs to no class; None: not asked for.
        out_of_scope_score: how little it looks like what was learned, from 0 to 1; above 0.5 it is
            out of scope. It is no probability.
    """

    label: Label | None
    score: float
    labels: tuple[LabelScore, ...]
    n_tokens: int
    windows: int
    set: tuple[Label, ...] | None = None
    out_of_scope: bool | None = None
    out_of_scope_score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        asked: dict[str, Any] = {}
        if self.out_of_scope_score is not None:
            asked["out_of_scope"] = self.out_of_scope
            asked["out_of_scope_score"] = round(self.out_of_scope_score, 6)
        if self.set is not None:
            asked["set"] = list(self.set)
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "labels": [x.to_json() for x in self.labels],
            **asked,
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
