"""Dropout from random bytes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Dropout", "dropout"]

_BYTES_PER_DRAW = 8


def dropout(x: Tensor, p: float) -> Tensor:
    """Zero each element of `x` with probability `p` and scale the rest by `1 / (1 - p)`.

    One 64-bit draw of torch's generator decides eight elements, since drawing is what dropout
    costs on a CPU (`torch.nn.functional.dropout` takes 3 to 5 times as long). `p` is therefore
    rounded to the nearest 1/256; the scale uses the rounded value, so expectations stay exact.

    Args:
        x: any shape, floating point.
        p: probability of a zero, from 0 to 1 (exclusive).

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
    overfitting".
    """
    threshold = round(p * 256)
    if threshold == 0:
        return x
    draws = torch.empty(-(-x.numel() // _BYTES_PER_DRAW), dtype=torch.int64, device=x.device)
    # From the least int64 on: the default range leaves the top bit unset.
    octets = draws.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view(x.shape)
    keep = (octets >= threshold).to(x.dtype).mul_(256 / (256 - threshold))
    return x * keep


class Dropout(nn.Module):
    """`dropout` while training, the identity otherwise."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training else x

    def extra_repr(self) -> str:
        return f"p={self.p}"
