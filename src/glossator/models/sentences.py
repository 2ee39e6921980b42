"""Sentence objectives: whether a text goes with another, beside which words are hidden."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glossator.models.encoder import Encoder
from glossator.models.linear import Linear
from glossator.models.masked import MaskedLanguageModel, PredictionHead

__all__ = ["SentenceHead", "SentenceModel"]


class SentenceHead(nn.Module):
    """`output(tanh(dense(x)))`: two logits of a pair of texts, as it was and as it was not.

    Args:
        width: of the encoder.

    Source: Devlin et al. 2018, "BERT", section 3.1, task 2.
    """

    def __init__(self, width: int):
        super().__init__()
        self.dense = Linear(width, width)
        self.output = Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:  # (B, width) -> (B, 2) float32
        return self.output(torch.tanh(self.dense(x.float())))  # type: ignore[no-any-return]


class SentenceModel(MaskedLanguageModel):
    """A masked language model that also says whether two texts stood as they stand.

    Args:
        encoder: the encoder.
        predictions: the masked-language head.
        sentences: the head over a pair's first token.
    """

    def __init__(self, encoder: Encoder, predictions: PredictionHead, sentences: SentenceHead):
        super().__init__(encoder, predictions)
        self.sentences = sentences
