"""What every answer is."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Prediction"]


class Prediction(Protocol):
    """The answer for one row; what else it has is its task's business."""

    @property
    def n_tokens(self) -> int:
        """Tokens of the texts, special tokens left out."""

    @property
    def windows(self) -> int:
        """In how many windows they were read; more than 1 for a long text."""

    def to_json(self) -> dict[str, Any]:
        """The answer as `predict` writes it under `prediction`; the same keys for every row."""
