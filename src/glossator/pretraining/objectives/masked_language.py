"""Masked language modelling: predict tokens that were hidden."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.pretraining.objectives.masking import Hiding, MaskUnit, choose, hide, ordinary_ids
from glossator.pretraining.objectives.objective import ModelKind, Scores
from glossator.pretraining.objectives.reading import ReadBatch, Reading, Totals
from glossator.pretraining.rows import SPECIAL, marks_of
from glossator.tasks.learnable import Example, segments_of
from glossator.text.packing import PackedBatch, pack
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import Rows

__all__ = ["MaskedLanguage"]


class MaskedLanguage(Reading):
    """Predict tokens that were hidden, other ones each time a text is seen.

    Args:
        tokenizer: has a mask token.
        name: under which it is asked for.
        rate: share of tokens to predict.
        unit: what is hidden as a whole.

    Raises:
        InputError: the tokenizer has no mask token.

    Source: Devlin et al. 2018, "BERT", section 3.1; dynamic as in Liu et al. 2019, "RoBERTa",
    section 4.1.
    """

    makes: ModelKind = "masked"
    opens_as = "AutoModelForMaskedLM"

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        name: str = "mlm",
        rate: float = 0.15,
        unit: MaskUnit = "token",
    ):
        if tokenizer.mask_id is None:
            raise InputError(
                "the tokenizer has no mask token, which this objective puts in the place of words; "
                "`glossator tokenizer --kind wordpiece` makes one that has"
            )
        super().__init__(tokenizer)
        self.name, self.rate, self.unit = name, rate, unit
        ordinary = ordinary_ids(tokenizer.vocabulary_size, tokenizer.special_ids.tolist())
        self.hiding = Hiding(mask=tokenizer.mask_id, ordinary=ordinary)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Objective, rate and unit."""
        return {"objective": self.name, "mask_rate": self.rate, "unit": self.unit}

    def collate(self, examples: Sequence[Example], seed: int) -> ReadBatch:
        """Texts with tokens hidden as the seed has it."""
        random = np.random.default_rng(seed)
        whole = pack([example.tokens for example in examples], segments_of(examples))
        tokens = whole.tokens.numpy()
        mask = choose(marks_of(examples), self.rate, self.unit, random)
        hidden = torch.from_numpy(hide(tokens, mask, self.hiding, random))
        inputs = PackedBatch(hidden, whole.lengths, whole.segments, whole.positions)
        return ReadBatch(inputs, torch.from_numpy(np.flatnonzero(mask)), whole.tokens[mask])

    def one_at_a_time(self, rows: Rows, token_budget: int) -> Iterator[ReadBatch]:
        """The texts of rows once for each of their tokens, which alone is hidden there."""
        for i in range(len(rows)):
            for example in rows[i]:
                places = np.flatnonzero(marks_of([example]) != SPECIAL)
                at_once = max(1, token_budget // len(example.tokens))
                for start in range(0, len(places), at_once):
                    yield self._hidden_at(example, places[start : start + at_once])

    def _hidden_at(self, example: Example, places: NDArray[np.int64]) -> ReadBatch:
        """A copy of a text for each of P places, the token there hidden."""
        whole = pack([example.tokens] * len(places))
        read = torch.from_numpy(np.arange(len(places)) * len(example.tokens) + places)
        hidden = whole.tokens.index_fill(0, read, self.hiding.mask)
        inputs = PackedBatch(hidden, whole.lengths, whole.segments, whole.positions)
        return ReadBatch(inputs, read, whole.tokens[read])

    def named(self, totals: Totals) -> Scores:
        """`loss`, `masked_perplexity` and `masked_accuracy`."""
        loss = totals.loss / totals.tokens
        return {
            "loss": loss,
            "masked_perplexity": math.exp(min(loss, 700.0)),
            "masked_accuracy": totals.hits / totals.tokens,
        }
