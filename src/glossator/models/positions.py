"""How a token's place enters: a learned table, or a rotation of queries and keys."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glossator.models.linear import Table
from glossator.text.packing import PackedBatch

__all__ = ["PositionTable", "Rotation"]


class PositionTable(Table):
    """One learned vector a position.

    Args:
        positions: rows of the table.
        width: width of a row.
        offset: row of the first token of a text.
    """

    def __init__(self, positions: int, width: int, *, offset: int = 0):
        super().__init__(positions, width)
        self.offset = offset

    def forward(self, batch: PackedBatch) -> Tensor:  # type: ignore[override]  # (T, width)
        return super().forward(batch.positions + self.offset)


@dataclass(frozen=True)
class Rotation:
    """Rotary position embedding: turns pairs of features by an angle that grows with position.

    Attributes:
        cos: (T, dim / 2) float32.
        sin: (T, dim / 2) float32.

    Source: Su et al. 2021, "RoFormer: enhanced transformer with rotary position embedding".
    """

    cos: Tensor
    sin: Tensor

    @classmethod
    def at(cls, positions: Tensor, *, theta: float, dim: int) -> Rotation:
        """The rotation of heads of an even width `dim` at `positions` (T,), base `theta`."""
        exponents = torch.arange(0, dim, 2, dtype=torch.float32, device=positions.device) / dim
        angles = positions[:, None].float() * (1.0 / theta**exponents)
        return cls(angles.cos(), angles.sin())

    def rows(self, read: Tensor | None) -> Rotation:
        """The rotation of the rows `read` (R,) alone; of all when None."""
        if read is None:
            return self
        return Rotation(self.cos.index_select(0, read), self.sin.index_select(0, read))

    def __call__(self, x: Tensor) -> Tensor:
        """(T, heads, dim) -> (T, heads, dim), computed in float32, in the dtype of `x`."""
        first, second = x.float().chunk(2, dim=-1)
        cos, sin = self.cos[:, None], self.sin[:, None]
        turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
        return turned.to(x.dtype)
