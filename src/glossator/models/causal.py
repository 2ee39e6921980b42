"""Causal language modelling: which word comes next."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glossator.models.encoder import Encoder
from glossator.models.feedforward import FeedForward
from glossator.text.packing import PackedBatch

__all__ = ["CausalLanguageModel"]


class CausalLanguageModel(nn.Module):
    """A decoder, held against the word table.

    Args:
        encoder: a stack of blocks in which each token sees those before it, and itself.

    Attributes:
        notes: what a reader of the model should know.

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners".
    """

    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder = encoder
        self.notes: tuple[str, ...] = ()

    @property
    def output_weight(self) -> Tensor:
        """(V, width) what hidden states are held against."""
        return self.encoder.embeddings.words.weight

    @property
    def output_bias(self) -> None:
        """There is none."""

    def expect(self, chances: Tensor) -> None:
        """As of a masked language model; without a bias there is nothing to begin with."""

    def hidden(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R, width) of the rows `read` (R,) alone, in the compute dtype."""
        return self.encoder(batch, read=read).last  # type: ignore[no-any-return]

    def forward(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R, V) float32 logits of what follows the rows `read` (R,), numbers in rising order."""
        return self.logits(self.hidden(batch, read))

    def logits(self, x: Tensor) -> Tensor:
        """(R, width) of `hidden` -> (R, V), computed in float32."""
        return F.linear(x.float(), self.output_weight.float())

    @torch.no_grad()
    def calm(self) -> None:
        """Divide what blocks add by the root of how many additions there are, for a new model."""
        blocks = self.encoder.typed_blocks
        for block in blocks:
            assert isinstance(block.feedforward, FeedForward)
            for added in (block.attention.output, block.feedforward.down):
                added.weight.div_((2 * len(blocks)) ** 0.5)
