"""What tasks have in common whose examples are windows of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from glossator.tasks.learnable import ArraySpec, Batch, Example, collate

__all__ = ["Windowed"]


class Windowed:
    """A task that lays windows side by side as they are.

    Attributes:
        specs: see `Learnable`.
    """

    specs: ClassVar[Sequence[ArraySpec]] = ()

    def collate(self, examples: Sequence[Example], seed: int) -> Batch:
        """Windows as one batch; nothing in it is random."""
        return collate(examples, self.specs)

    def cost(self, example: Example) -> int:
        """Its tokens."""
        return len(example.tokens)
