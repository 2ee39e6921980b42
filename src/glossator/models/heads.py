"""Heads over texts and over tokens: which rows are read, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from glossator.models.dropout import Dropout
from glossator.models.encoder import Encoder
from glossator.models.linear import Linear
from glossator.text.packing import PackedBatch

__all__ = [
    "ChoiceModel",
    "ClassificationHead",
    "FirstToken",
    "MeanToken",
    "ProblemType",
    "SequenceClassifier",
    "SpanFinder",
    "TokenClassifier",
    "TokenHead",
]

# As `config.json` says it.
ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]


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
        return self.output(self.dropout(self.features(x)))  # type: ignore[no-any-return]

    def features(self, x: Tensor) -> Tensor:
        """(B, width) what the last map reads, of (B, width) vectors that stand for texts."""
        found: Tensor = self.norm(self.activation(self.dense(self.dropout_in(x))))
        return found


class TokenHead(nn.Module):
    """`output(dropout(norm(activation(dense(x)))))`, the parts as the family has them.

    Args:
        output: the last map, from the width to the labels.
        dropout: probability of a zero before `output`.
        dense: from the encoder's width to the same width.
        activation: after `dense`.
        norm: after the activation.
    """

    def __init__(
        self,
        output: Linear,
        *,
        dropout: float,
        dense: Linear | None = None,
        activation: nn.Module | None = None,
        norm: nn.Module | None = None,
    ):
        super().__init__()
        self.dense = dense or nn.Identity()
        self.activation = activation or nn.Identity()
        self.norm = norm or nn.Identity()
        self.dropout = Dropout(dropout)
        self.output = output

    def forward(self, x: Tensor) -> Tensor:  # (R, width) -> (R, labels)
        x = self.norm(self.activation(self.dense(x)))
        return self.output(self.dropout(x))  # type: ignore[no-any-return]


class SequenceClassifier(nn.Module):
    """An encoder and its family's own classification head.

    Args:
        encoder: the encoder.
        head: the head; its output has one column a label.
        labels: name of each column.
        problem_type: what the logits are of; None: a regression where there is one column, and
            else one label a text.
        extra: modules that no class of Hugging Face reads, see `extra_heads`.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
    """

    def __init__(
        self,
        encoder: Encoder,
        head: ClassificationHead,
        labels: Sequence[str],
        problem_type: ProblemType | None = None,
        extra: nn.ModuleDict | None = None,
    ):
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.extra = extra or nn.ModuleDict()
        self.labels = tuple(labels)
        self.notes: tuple[str, ...] = ()
        usual: ProblemType = "regression" if len(labels) == 1 else "single_label_classification"
        self.problem_type: ProblemType = problem_type or usual

    def pooled(self, batch: PackedBatch) -> Tensor:
        """(B, width) float32: what stands for each of the B texts of `batch`."""
        pooling = self.head.pooling
        x = self.encoder(batch, read=pooling.read(batch)).last
        # A bfloat16 logit of 5 is right to 1/64; texts beside it would tip the rounding.
        pooled: Tensor = pooling(x, batch).float()
        return pooled

    def forward(self, batch: PackedBatch) -> Tensor:
        """(B, labels) float32 logits of the B texts of `batch`."""
        logits: Tensor = self.head(self.pooled(batch))
        return logits


class ChoiceModel(nn.Module):
    """An encoder and its family's own head that scores a choice.

    Args:
        encoder: the encoder.
        chooser: the head; its output has one column.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
    """

    def __init__(self, encoder: Encoder, chooser: ClassificationHead):
        super().__init__()
        self.encoder = encoder
        self.chooser = chooser
        self.notes: tuple[str, ...] = ()

    def forward(self, batch: PackedBatch) -> Tensor:
        """(B,) float32 logits of the B texts of `batch`, each a question with a choice."""
        pooling = self.chooser.pooling
        x = self.encoder(batch, read=pooling.read(batch)).last
        logits: Tensor = self.chooser(pooling(x, batch).float())
        return logits[:, 0]


class TokenClassifier(nn.Module):
    """An encoder and its family's own token classification head.

    Args:
        encoder: the encoder.
        tagger: the head; its output has one column a label.
        labels: name of each column.
        extra: modules that no class of Hugging Face reads, see `extra_heads`.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
    """

    def __init__(
        self,
        encoder: Encoder,
        tagger: TokenHead,
        labels: Sequence[str],
        extra: nn.ModuleDict | None = None,
    ):
        super().__init__()
        self.encoder = encoder
        self.tagger = tagger
        self.extra = extra or nn.ModuleDict()
        self.labels = tuple(labels)
        self.notes: tuple[str, ...] = ()

    def forward(self, batch: PackedBatch, rows: Tensor | None = None) -> Tensor:
        """(R, labels) float32 logits of the rows asked for, all T of them by default.

        Args:
            batch: B texts of T tokens.
            rows: (R,) row numbers in rising order.
        """
        # The last block computes all rows, though some are not asked for: with other queries than
        # keys in each text it finds fewer texts that are alike, and takes longer.
        x = self.encoder(batch).last
        if rows is not None:
            x = x.index_select(0, rows)
        return self.tagger(x.float())  # type: ignore[no-any-return]


class SpanFinder(nn.Module):
    """An encoder and its family's own question answering head.

    Args:
        encoder: the encoder.
        finder: the head; its output has two columns.
        extra: modules that no class of Hugging Face reads, see `extra_heads`.

    Attributes:
        notes: what a reader of the model should know, such as that its head is new.
    """

    def __init__(self, encoder: Encoder, finder: TokenHead, extra: nn.ModuleDict | None = None):
        super().__init__()
        self.encoder = encoder
        self.finder = finder
        self.extra = extra or nn.ModuleDict()
        self.notes: tuple[str, ...] = ()

    def forward(self, batch: PackedBatch) -> Tensor:
        """(T, 2) float32 logits of each token as the first of an answer and as its last."""
        return self.finder(self.encoder(batch).last.float())  # type: ignore[no-any-return]
