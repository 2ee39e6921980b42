"""What a pretraining run tells while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.training.events import Event

__all__ = ["Watch"]


class Watch:
    """Told of each stage of a run; does nothing itself."""

    def note(self, text: str) -> None:
        """Something the user should know, in a sentence."""

    def reading(self, documents: int) -> None:
        """So many more documents were read, cleaned and kept."""

    def corpus(self, lines: Sequence[str]) -> None:
        """The corpus is ready; what became of the texts, in plain sentences."""

    def model(self, notes: Sequence[str]) -> None:
        """The model was made."""

    def training(self, event: Event) -> None:
        """Something happened in the training loop."""
