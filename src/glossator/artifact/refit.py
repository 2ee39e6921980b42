"""What is said of a model that was learned once more, from all rows, after it had been scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from glossator.text.findings import count_of

__all__ = ["Refit"]


@dataclass(frozen=True, kw_only=True)
class Refit:
    """A second training of a model, from the rows that scored the first one too.

    Attributes:
        rows: that it learned from; 0 where it was not made.
        steps: that it took.
        seconds: of these steps.
        left_out: rows whose answers the training rows do not have, so that they cannot be learned.
        missed: why it was not made, in words; empty where it was.
        interrupted: whether that is why, so that `--resume` goes on with it.
    """

    rows: int = 0
    steps: int = 0
    seconds: float = 0.0
    left_out: int = 0
    missed: str = ""
    interrupted: bool = False

    @property
    def sentence(self) -> str:
        """Which model the folder holds, and which was scored."""
        if self.missed:
            return f"Not refitted on all rows: {self.missed}. The model is the one that was scored."
        besides = ""
        if self.left_out:
            rows = count_of(self.left_out, "row")
            besides = f" ({rows} with an answer that no training row has left out)"
        return (
            "The scores are of the model before it was refitted on all "
            f"{count_of(self.rows, 'row')}{besides}."
        )

    @property
    def before(self) -> str:
        """What stands behind the name of the rows that were scored."""
        return "" if self.missed else ", before the refit"

    def to_json(self) -> dict[str, Any]:
        """As `fit --json` and `glossator.json` have it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self | None:
        """What `to_json` gave; None where no refit was asked for.

        Raises:
            TypeError: it is something else.
        """
        return None if value is None else cls(**value)
