"""Causal language modelling: predict each token from those before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glossator.errors import InputError
from glossator.pretraining.objectives.objective import ModelKind, Scores
from glossator.pretraining.objectives.reading import ReadBatch, Reading, Totals
from glossator.tasks.learnable import Example
from glossator.text.packing import pack
from glossator.text.tokenizer import Tokenizer

__all__ = ["CausalLanguage"]


class CausalLanguage(Reading):
    """Predict each token from those before it, and where a document ends.

    Args:
        tokenizer: has a token that ends a text.

    Attributes:
        ends: the token at both ends of every document.

    Raises:
        InputError: the tokenizer has no such token.

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners".
    """

    name = "clm"
    makes: ModelKind = "causal"
    opens_as = "AutoModelForCausalLM"

    def __init__(self, tokenizer: Tokenizer):
        if tokenizer.end_id is None:
            raise InputError(
                "the tokenizer has no token that ends a text, which this objective learns; "
                "`glossator tokenizer --kind bpe` makes one that has"
            )
        super().__init__(tokenizer)
        self.ends = tokenizer.end_id

    @property
    def settings(self) -> Mapping[str, Any]:
        """The objective's name."""
        return {"objective": self.name}

    def collate(self, examples: Sequence[Example], seed: int) -> ReadBatch:
        """Texts, each token but the last of which says what follows."""
        inputs = pack([example.tokens for example in examples])
        weights = [float(example.weight > 0) for example in examples]
        counted = np.repeat(weights, inputs.lengths.numpy()) > 0
        counted[(inputs.starts + inputs.lengths - 1).numpy()] = False
        read = torch.from_numpy(np.flatnonzero(counted))
        return ReadBatch(inputs, read, inputs.tokens[read + 1])

    def named(self, totals: Totals) -> Scores:
        """`loss`, `perplexity` and `bits_per_byte`."""
        loss = totals.loss / totals.tokens
        return {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            "bits_per_byte": totals.loss / math.log(2) / max(1, totals.bytes),
        }

    def count_bytes(self, targets: Tensor) -> int:
        """In UTF-8; tokens that end a document have none."""
        return len(self._tokenizer.decode(targets.tolist()).encode())
