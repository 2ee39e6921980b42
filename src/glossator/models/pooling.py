"""What stands for a text: a vector made of the states of its tokens."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from glossator.models.headless import EncoderModel
from glossator.text.packing import PackedBatch

__all__ = ["Pooling", "pooled"]

Pooling: TypeAlias = Literal["mean", "cls", "last"]
"""The mean over all tokens, special ones among them; the first token; the last one."""


def pooled(model: EncoderModel, batch: PackedBatch, how: Pooling) -> Tensor:
    """(B, width) float32 vectors of the B texts of a batch.

    Args:
        model: the encoder; of a single token a text its last block computes that one alone.
        batch: B texts of T tokens.
        how: what stands for a text.

    Source: Reimers and Gurevych 2019, "Sentence-BERT", section 3.
    """
    if how == "mean":
        states = model(batch)
        return torch.segment_reduce(states, "mean", lengths=batch.lengths, axis=0)
    places = batch.starts if how == "cls" else batch.lengths.cumsum(0) - 1
    return model(batch, places)  # type: ignore[no-any-return]
