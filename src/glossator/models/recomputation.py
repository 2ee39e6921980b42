"""Activations that are computed again instead of kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from glossator.models.dropout import drawing_again

__all__ = ["recomputed"]


def recomputed(function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """`function(*arguments)`, of which only the arguments are kept for the backward pass.

    The backward pass computes it a second time, with the same dropout, so that gradients are the
    same in every bit: memory for the activations of one block, at the price of one more forward.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", section 3.
    """
    return checkpoint(  # type: ignore[no-any-return]
        function, *arguments, use_reentrant=False, context_fn=_first_and_again
    )


def _first_and_again() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), drawing_again()
