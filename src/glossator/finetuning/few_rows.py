"""Whether classes have so few rows that it is worth measuring how to learn from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from glossator.tasks.task import Reader
    from glossator.text.records import Record

__all__ = ["LEAST", "MOST", "FewRows"]

# Of a class. Below it there is nothing to hold out; above it plain fine-tuning wins (Tunstall et
# al. 2022, figure 2, has both alike at 64).
LEAST = 4
MOST = 50


@dataclass(frozen=True)
class FewRows:
    """How many training rows classes have.

    Attributes:
        classes: how many there are.
        fewest: rows of the rarest one.
        most: rows of the most frequent one.
        rarest: its name.
    """

    classes: int
    fewest: int
    most: int
    rarest: Hashable

    @classmethod
    def of(cls, reader: Reader, records: Sequence[Record]) -> Self | None:
        """Counts; None where there are less than two classes."""
        counts = Counter(reader.strata(records) or ())
        if len(counts) < 2:
            return None
        rarest = min(counts, key=lambda name: (counts[name], str(name)))
        return cls(len(counts), counts[rarest], max(counts.values()), rarest)

    @property
    def measurable(self) -> bool:
        """Whether recipes are worth measuring, and can be."""
        return self.fewest >= LEAST and self.most <= MOST

    @property
    def note(self) -> str:
        """Why recipes are measured, or are not though rows are few; empty where there are many."""
        if self.most > MOST:
            return ""
        each = f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"
        if self.measurable:
            return (
                f"few labels: {self.classes:,} classes have {each} training rows each, so recipes "
                "are measured on them first; --recipe plain trains at once"
            )
        return (
            f"few labels: class {str(self.rarest)!r:.60} has {self.fewest} training rows, and "
            f"recipes are measured from {LEAST} on; --recipe contrastive may be better than plain"
        )
