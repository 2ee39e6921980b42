"""Sequence classification: which rows are read, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glossator.models.dropout import Dropout
from glossator.models.encoder import Encoder
from glossator.models.linear import Linear
from glossator.text.packing import PackedBatch

__all__ = ["ClassificationHead", "FirstToken", "MeanToken", "SequenceClassifier"]


class FirstToken(nn.Module):
    """A text is the hidden state of its first token."""

    def read(self, batch: PackedBatch) -> Tensor | None:
        """(B,) the rows that `forward` wants."""
        return batch.starts

    def forward(self, x: Tensor, batch: PackedBatch) -> Tensor:  # (B, width) -> (B, width)
        return x


class MeanToken(nn.Module):
    """A text is the mean of the hidden states of its tokens."""

    def read(self, batch: PackedBatch) -> Tensor | None:
        """None: `forward` wants all rows."""
        return None

    def forward(self, x: Tensor, batch: PackedBatch) -> Tensor:  # (T, width) -> (B, width)
        means: Tensor = torch.segment_reduce(x.float(), "mean", lengths=batch.lengths, axis=0)
        return means.to(x.dtype)


class ClassificationHead(nn.Module):
    """`output(dropout(norm(activation(dense(dropout(x))))))`, the parts as the family has them.

    Args:
        dense: from the encoder's width to the same width.
        activation: after `dense`.
        output: the last map, from the width to the labels.
        dropout: probability of a zero before `output`.
        dropout_in: probability of a zero before `dense`.
        norm: after the activation.
        pooling: what stands for a text.
    """

    def __init__(
        self,
        dense: Linear,
        activation: nn.Module,
        output: Linear,
        *,
        dropout: float,
        dropout_in: float = 0.0,
        norm: nn.Module | None = None,
        pooling: FirstToken | MeanToken | None = None,
    ):
        super().__init__()
        self.pooling = pooling or FirstToken()
        self.dropout_in = Dropout(dropout_in)
        self.dense = dense
        self.activation = activation
        self.norm = norm or nn.Identity()
        self.dropout = Dropout(dropout)
        self.output = output

    def forward(self, x: Tensor) -> Tensor:  # (B, width) -> (B, labels)
        x = self.norm(self.activation(self.dense(self.dropout_in(x))))
        return self.output(self.dropout(x))  # type: ignore[no-any-return]


class SequenceClassifier(nn.Module):
    """An encoder and its family's own classification head.

    Args:
        encoder: the encoder.
        head: the head; its output has one column a label.
        labels: name of each column.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
        problem_type: `single_label_classification`, `multi_label_classification` or `regression`,
            as `config.json` says it.
    """

    def __init__(self, encoder: Encoder, head: ClassificationHead, labels: Sequence[str]):
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.labels = tuple(labels)
        self.notes: tuple[str, ...] = ()
        self.problem_type = "single_label_classification" if len(labels) > 1 else "regression"

    def forward(self, batch: PackedBatch) -> Tensor:
        """(B, labels) float32 logits of the B texts of `batch`."""
        pooling = self.head.pooling
        x = self.encoder(batch, read=pooling.read(batch)).last
        # A bfloat16 logit of 5 is right to 1/64; texts beside it would tip the rounding.
        logits: Tensor = self.head(pooling(x, batch).float())
        return logits
