"""Cross-entropy straight from hidden states, for vocabularies of tens of thousands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["linear_cross_entropy", "linear_scores"]

# Float32 logits that are held at once: few enough for the processor's cache (measured:
# benchmarks/notes.md).
_CHUNK = 2**22


def linear_cross_entropy(x: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """The float32 sum over R rows of `-log softmax(x weight^T + bias)[target]`.

    Float32 logits exist for some rows at a time. Where a gradient is wanted, that of the logits
    takes their place in the dtype of `x`, so that nothing of the size (R, V) is made twice.

    Args:
        x: (R, width) hidden states; products are in their dtype.
        weight: (V, width) float32.
        bias: (V,) float32, or None.
        targets: (R,) int64, from 0 to V - 1.
    """
    if torch.is_grad_enabled():
        return _LinearCrossEntropy.apply(x, weight, bias, targets)  # type: ignore[no-any-return,no-untyped-call]
    return linear_scores(x, weight, bias, targets)[0].sum()


@torch.no_grad()
def linear_scores(
    x: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """(R,) losses as `linear_cross_entropy`, and (R,) whether the target's logit is the best."""
    losses, hits = [], []
    for rows, logits in _chunks(x, weight.to(x.dtype), bias):
        losses.append(F.cross_entropy(logits, targets[rows], reduction="none"))
        hits.append(logits.argmax(-1) == targets[rows])
    return torch.cat(losses), torch.cat(hits)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
    ) -> Tensor:
        low = weight.to(x.dtype)
        loss = x.new_zeros((), dtype=torch.float32)
        grads = x.new_empty(len(x), len(weight))  # of the logits
        of_bias = None if bias is None else torch.zeros_like(bias)
        for rows, logits in _chunks(x, low, bias):
            goals = targets[rows, None]
            total = logits.logsumexp(-1, keepdim=True)
            loss += (total - logits.gather(-1, goals)).sum()
            grad = logits.sub_(total).exp_()
            grad.scatter_add_(-1, goals, grad.new_full(goals.shape, -1.0))
            grads[rows] = grad
            # In float32, while it is in the cache: summing what was rounded would copy it first.
            if of_bias is not None:
                of_bias += grad.sum(0)
        ctx.save_for_backward(x, low, grads, of_bias)
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, low, grads, of_bias = ctx.saved_tensors
        of_x, of_weight = grads @ low, (grads.mT @ x).float()
        of_bias = None if of_bias is None else of_bias * grad
        return of_x.mul_(grad), of_weight.mul_(grad), of_bias, None


def _chunks(x: Tensor, weight: Tensor, bias: Tensor | None) -> Iterator[tuple[slice, Tensor]]:
    """Float32 logits of some rows at a time."""
    step = max(1, _CHUNK // len(weight))
    for start in range(0, max(1, len(x)), step):
        rows = slice(start, start + step)
        logits = F.linear(x[rows], weight).float()
        yield rows, logits if bias is None else logits.add_(bias)
