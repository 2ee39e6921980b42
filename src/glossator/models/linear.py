"""Linear maps and norms whose parameters are float32 and whose products are not bound to be."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "Norm"]


def _cast(parameter: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if parameter is None else parameter.to(dtype)


class Linear(nn.Linear):
    """`x W^T + b`, computed in the dtype of `x`; the parameters keep theirs."""

    def forward(self, x: Tensor) -> Tensor:  # (..., inputs) -> (..., outputs)
        return F.linear(x, self.weight.to(x.dtype), _cast(self.bias, x.dtype))


class Norm(nn.LayerNorm):
    """Layer normalization, computed in the dtype of `x`; the parameters keep theirs.

    Source: Ba et al. 2016, "Layer normalization".
    """

    def forward(self, x: Tensor) -> Tensor:  # (..., width) -> (..., width)
        weight, bias = self.weight.to(x.dtype), _cast(self.bias, x.dtype)
        return F.layer_norm(x, self.normalized_shape, weight, bias, self.eps)
