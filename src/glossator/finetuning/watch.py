"""What a fine-tuning run tells while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.artifact.report_parts import RowCounts
from glossator.evaluation.figures import Measure
from glossator.text.findings import Finding
from glossator.training.events import Event

__all__ = ["Watch"]


class Watch:
    """Told of each stage of a run; does nothing itself."""

    def note(self, text: str) -> None:
        """Something the user should know, in a sentence."""

    def preflight(self, findings: Sequence[Finding], rows: RowCounts) -> None:
        """The tables were read and checked."""

    def model(self, notes: Sequence[str], measures: Sequence[Measure]) -> None:
        """The model was loaded; steps will be told apart by these measures, the first first."""

    def rate_test(self, done: int, total: int) -> None:
        """So many of at most `total` steps were taken to choose a learning rate."""

    def recipe_test(self, done: int, total: int) -> None:
        """So many of at most `total` steps were taken to choose a recipe."""

    def training(self, event: Event) -> None:
        """Something happened in the training loop."""

    def refitting(self, event: Event) -> None:
        """Something happened in the second training, that on all rows."""

    def scoring(self, done: int, total: int) -> None:
        """So many of all windows were answered, after training."""
