"""Replaced-token detection: which words are not those that stood there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glossator.models.encoder import Encoder
from glossator.models.linear import Linear
from glossator.models.masked import MaskedLanguageModel
from glossator.text.packing import PackedBatch

__all__ = ["DetectionHead", "ReplacedTokenModel"]


class DetectionHead(nn.Module):
    """`output(activation(dense(x)))`: a token's logit of being another than stood there.

    Args:
        width: of the encoder.
        activation: between the two maps.
    """

    def __init__(self, width: int, activation: nn.Module):
        super().__init__()
        self.dense = Linear(width, width)
        self.activation = activation
        self.output = Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:  # (R, width) -> (R,) float32
        return self.output(self.activation(self.dense(x)))[:, 0].float()  # type: ignore[no-any-return]


class ReplacedTokenModel(nn.Module):
    """A generator that fills gaps, and an encoder that says which tokens it made up.

    Both have one table of words, positions and segments: the generator's own is dropped.

    Args:
        encoder: what is wanted in the end.
        detections: its head.
        generator: a smaller masked language model whose embeddings are as wide.

    Attributes:
        notes: what a reader of the model should know.

    Source: Clark et al. 2020, "ELECTRA: pre-training text encoders as discriminators rather than
    generators", section 2.
    """

    def __init__(self, encoder: Encoder, detections: DetectionHead, generator: MaskedLanguageModel):
        super().__init__()
        generator.encoder.embeddings = encoder.embeddings
        self.encoder = encoder
        self.detections = detections
        self.generator = generator
        self.notes: tuple[str, ...] = ()

    def expect(self, chances: Tensor) -> None:
        """As of a masked language model, for the generator."""
        self.generator.expect(chances)

    def gaps(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R, width of the word table) of the generator's rows `read` (R,)."""
        small = self.generator.encoder
        small.compute_dtype, small.recompute = self.encoder.compute_dtype, self.encoder.recompute
        return self.generator.hidden(batch, read)

    @torch.no_grad()
    def drawn(self, gaps: Tensor, generator: torch.Generator, *, at_once: int = 256) -> Tensor:
        """(R,) a token for each row of `gaps`, drawn as the generator holds it probable."""
        found = []
        for rows in torch.split(gaps.detach(), at_once):
            chances = self.generator.logits(rows).softmax(-1)
            # The first of several arrivals, each at its rate, is one of them at its share.
            waits = torch.empty_like(chances).exponential_(generator=generator)
            found.append((chances / waits).argmax(-1))
        return torch.cat(found)

    def forward(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R,) float32 logits that the tokens of rows `read` (R,), rising, were replaced."""
        return self.detections(self.encoder(batch, read=read).last)  # type: ignore[no-any-return]
