"""Linear maps, norms and tables, on the terms of this package.

Parameters are float32; products are in the dtype of what comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "Norm", "Ready", "Table", "joint"]


@dataclass(frozen=True)
class Ready:
    """What a module computes where no gradient is wanted, with weights that are laid out already.

    Attributes:
        dtype: of what comes in.
        compute: the same as the module itself, to the bit.
    """

    dtype: torch.dtype
    compute: Callable[[Tensor], Tensor]

    def suits(self, x: Tensor) -> bool:
        """Whether `x` can be taken."""
        return x.dtype == self.dtype and not torch.is_grad_enabled()


def _cast(parameter: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if parameter is None else parameter.to(dtype)


class Linear(nn.Linear):
    """`x W^T + b`, computed in the dtype of `x`; the parameters keep theirs.

    Attributes:
        ready: computes it without looking at the parameters; see `readiness`.
        ready_joint: computes the `joint` product that begins with this map.
    """

    ready: Ready | None = None
    ready_joint: Ready | None = None

    def forward(self, x: Tensor) -> Tensor:  # (..., inputs) -> (..., outputs)
        if self.ready is not None and self.ready.suits(x):
            return self.ready.compute(x)
        return F.linear(x, self.weight.to(x.dtype), _cast(self.bias, x.dtype))


def joint(x: Tensor, *maps: Linear) -> tuple[Tensor, ...]:
    """What each of some maps makes of `x`.

    In training it is one product, forward and backward, which is cheaper than several narrow
    ones; where no gradient is wanted, joining the weights would cost more than it saves.

    Args:
        x: (..., inputs).
        maps: all of them have a bias, or none has.
    """
    widths = [m.out_features for m in maps]
    if not torch.is_grad_enabled():
        ready = maps[0].ready_joint
        if ready is not None and ready.suits(x):
            return torch.split(ready.compute(x), widths, dim=-1)
        return tuple(m(x) for m in maps)
    weight = torch.cat(tuple(m.weight for m in maps)).to(x.dtype)
    biased = maps[0].bias is not None
    bias = torch.cat(tuple(m.bias for m in maps)).to(x.dtype) if biased else None
    return torch.split(F.linear(x, weight, bias), widths, dim=-1)


class Norm(nn.LayerNorm):
    """Layer normalization, computed in the dtype of `x`; the parameters keep theirs.

    Attributes:
        ready: computes it without looking at the parameters; see `readiness`.

    Source: Ba et al. 2016, "Layer normalization".
    """

    ready: Ready | None = None

    def forward(self, x: Tensor) -> Tensor:  # (..., width) -> (..., width)
        if self.ready is not None and self.ready.suits(x):
            return self.ready.compute(x)
        weight, bias = self.weight.to(x.dtype), _cast(self.bias, x.dtype)
        return F.layer_norm(x, self.normalized_shape, weight, bias, self.eps)


class Table(nn.Embedding):
    """Rows looked up by number, in the dtype of the table."""

    def reset_parameters(self) -> None:
        # Drawing numbers on the meta device would import the compiler, which takes two seconds.
        if not self.weight.is_meta:
            super().reset_parameters()
