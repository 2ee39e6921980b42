"""The sizes of new models, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SIZES", "Size", "SizeName"]

SizeName = Literal["tiny", "mini", "small", "medium", "base"]


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        layers: number of blocks.
        width: of a hidden state.
    """

    layers: int
    width: int

    @property
    def heads(self) -> int:
        """Attention heads, 64 wide."""
        return self.width // 64

    @property
    def inner(self) -> int:
        """Width inside the feed-forward half."""
        return 4 * self.width


SIZES: dict[SizeName, Size] = {
    "tiny": Size(2, 128),
    "mini": Size(4, 256),
    "small": Size(4, 512),
    "medium": Size(8, 512),
    "base": Size(12, 768),
}
"""Those of Turc et al. 2019, "Well-read students learn better"."""
