"""Linear maps, norms and tables, on the terms of this package.

Parameters are float32; products are in the dtype of what comes in.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "Norm", "Table", "joint"]


def _cast(parameter: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if parameter is None else parameter.to(dtype)


class Linear(nn.Linear):
    """`x W^T + b`, computed in the dtype of `x`; the parameters keep theirs."""

    def forward(self, x: Tensor) -> Tensor:  # (..., inputs) -> (..., outputs)
        return F.linear(x, self.weight.to(x.dtype), _cast(self.bias, x.dtype))


def joint(x: Tensor, *maps: Linear) -> tuple[Tensor, ...]:
    """What each of some maps makes of `x`.

    In training it is one product, forward and backward, which is cheaper than several narrow
    ones; where no gradient is wanted, joining the weights would cost more than it saves.

    Args:
        x: (..., inputs).
        maps: all of them have a bias, or none has.
    """
    if not torch.is_grad_enabled():
        return tuple(m(x) for m in maps)
    weight = torch.cat(tuple(m.weight for m in maps)).to(x.dtype)
    biased = maps[0].bias is not None
    bias = torch.cat(tuple(m.bias for m in maps)).to(x.dtype) if biased else None
    return torch.split(F.linear(x, weight, bias), [m.out_features for m in maps], dim=-1)


class Norm(nn.LayerNorm):
    """Layer normalization, computed in the dtype of `x`; the parameters keep theirs.

    Source: Ba et al. 2016, "Layer normalization".
    """

    def forward(self, x: Tensor) -> Tensor:  # (..., width) -> (..., width)
        weight, bias = self.weight.to(x.dtype), _cast(self.bias, x.dtype)
        return F.layer_norm(x, self.normalized_shape, weight, bias, self.eps)


class Table(nn.Embedding):
    """Rows looked up by number, in the dtype of the table."""

    def reset_parameters(self) -> None:
        # Drawing numbers on the meta device would import the compiler, which takes two seconds.
        if not self.weight.is_meta:
            super().reset_parameters()
