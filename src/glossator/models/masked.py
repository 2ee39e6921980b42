"""Masked language modelling: which word stands where one was hidden."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glossator.models.encoder import Encoder
from glossator.models.linear import Linear, Norm
from glossator.text.packing import PackedBatch

__all__ = ["MaskedLanguageModel", "PredictionHead"]


class _OutputBias(nn.Module):
    """All that the output layer has of its own; its matrix is the word table."""

    def __init__(self, vocabulary: int, *, bias: bool):
        super().__init__()
        self.bias = nn.Parameter(torch.empty(vocabulary)) if bias else None


class PredictionHead(nn.Module):
    """`norm(activation(dense(x)))`, to be held against each row of the word table.

    Args:
        dense: from the encoder's width to that of the word table.
        activation: after it.
        norm: after the activation.
        vocabulary: rows of the word table.
        bias: whether each of them has one.

    Source: Devlin et al. 2018, "BERT", section 3.1, with tied weights as in Press and Wolf 2017,
    "Using the output embedding to improve language models".
    """

    def __init__(
        self,
        dense: Linear,
        activation: nn.Module,
        norm: Norm,
        *,
        vocabulary: int,
        bias: bool = True,
    ):
        super().__init__()
        self.dense = dense
        self.activation = activation
        self.norm = norm
        self.output = _OutputBias(vocabulary, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # (R, width) -> (R, width of the word table)
        return self.norm(self.activation(self.dense(x)))  # type: ignore[no-any-return]


class MaskedLanguageModel(nn.Module):
    """An encoder and its family's own masked-language head over the tied word table.

    Args:
        encoder: the encoder.
        predictions: the head.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
    """

    def __init__(self, encoder: Encoder, predictions: PredictionHead):
        super().__init__()
        self.encoder = encoder
        self.predictions = predictions
        self.notes: tuple[str, ...] = ()

    @property
    def output_weight(self) -> Tensor:
        """(V, width of the word table) what hidden states are held against."""
        return self.encoder.embeddings.words.weight

    @property
    def output_bias(self) -> Tensor | None:
        """(V,) added to the logits, if the family has it."""
        return self.predictions.output.bias

    @torch.no_grad()
    def expect(self, chances: Tensor) -> None:
        """Have a new model begin with what it would learn first: how often tokens occur.

        Args:
            chances: (V,) of each token, all above 0; the output bias becomes their logarithm.
        """
        if self.output_bias is not None:
            self.output_bias.copy_(chances.log())

    def hidden(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R, width of the word table) of the rows `read` (R,) alone, in the compute dtype."""
        return self.predictions(self.encoder(batch, read=read).last)  # type: ignore[no-any-return]

    def forward(self, batch: PackedBatch, read: Tensor) -> Tensor:
        """(R, V) float32 logits of the rows `read` (R,), row numbers in rising order."""
        return self.logits(self.hidden(batch, read))

    def logits(self, x: Tensor) -> Tensor:
        """(R, width of the word table) of `hidden` -> (R, V), computed in float32."""
        bias = None if self.output_bias is None else self.output_bias.float()
        return F.linear(x.float(), self.output_weight.float(), bias)
