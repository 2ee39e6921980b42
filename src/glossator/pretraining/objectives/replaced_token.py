"""Replaced-token detection: tell made-up tokens from those that stood there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from glossator.models.linear_loss import linear_cross_entropy
from glossator.models.replaced import ReplacedTokenModel
from glossator.pretraining.corpus.corpus import Part
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.objectives.objective import ModelKind, Scores, detection
from glossator.pretraining.objectives.reading import ReadBatch, batches_of
from glossator.pretraining.rows import SPECIAL, marks_of
from glossator.tasks.learnable import ArraySpec, Coupling, Example
from glossator.text.packing import PackedBatch
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import Rows

__all__ = ["ReplacedBatch", "ReplacedToken"]

# Of the detector's loss against the generator's (Clark et al. 2020, section 2).
_WEIGHT = 50.0


@dataclass(frozen=True)
class ReplacedBatch:
    """Texts with tokens hidden, and where a detector looks.

    Attributes:
        gaps: what the generator is to fill.
        tokens: (T,) as they stood there.
        read: (R,) rows of all but special tokens, rising.
        seed: of what the generator draws.
    """

    gaps: ReadBatch
    tokens: Tensor
    read: Tensor
    seed: int

    def to(self, device: torch.device) -> ReplacedBatch:
        """The same batch on another device."""
        tokens, read = self.tokens.to(device), self.read.to(device)
        return ReplacedBatch(self.gaps.to(device), tokens, read, self.seed)

    def filled(self, drawn: Tensor) -> tuple[PackedBatch, Tensor]:
        """The texts with `drawn` (M,) in the gaps, and (R,) 1 where another token stands now."""
        tokens = self.tokens.index_copy(0, self.gaps.read, drawn)
        replaced = (tokens != self.tokens).index_select(0, self.read)
        return dataclasses.replace(self.gaps.inputs, tokens=tokens), replaced.float()


@dataclass
class _Counts:
    """Of tokens that a detector saw; `loss` is that of training, over `gaps`."""

    loss: float = 0.0
    gaps: int = 0
    tokens: int = 0
    replaced: int = 0
    found: int = 0  # of those replaced
    suspected: int = 0  # rightly or not

    def scores(self) -> Scores:
        detected = detection(
            self.tokens, real=self.replaced, suspected=self.suspected, found=self.found
        )
        return {"loss": self.loss / self.gaps, **detected}


class ReplacedToken:
    """Tell the tokens that a small generator made up from those that stood there.

    The generator learns to fill gaps; every token teaches the detector, not the hidden ones alone.

    Args:
        tokenizer: has a mask token.
        rate: share of tokens that the generator fills.

    Raises:
        InputError: the tokenizer has no mask token.

    Source: Clark et al. 2020, "ELECTRA: pre-training text encoders as discriminators rather than
    generators". The share of hidden tokens stands for itself in the weight of the two losses, so
    that parts of a batch add up.
    """

    name = "rtd"
    makes: ModelKind = "replaced"
    opens_as = "AutoModelForPreTraining"
    specs: Sequence[ArraySpec] = ()
    coupling: Coupling = "example"

    def __init__(self, tokenizer: Tokenizer, *, rate: float = 0.15):
        self._masked = MaskedLanguage(tokenizer, name=self.name, rate=rate)
        # The generator always sees the mask: what it draws is seen by the detector alone.
        self._masked.hiding = dataclasses.replace(self._masked.hiding, masked=1.0, random=0.0)
        self.rate = rate

    @property
    def settings(self) -> Mapping[str, Any]:
        """Objective and rate."""
        return {"objective": self.name, "mask_rate": self.rate}

    def rows(self, part: Part, length: int) -> Rows:
        """See `Objective`."""
        return self._masked.rows(part, length)

    def remarks(self, rows: Rows) -> Sequence[str]:
        """Nothing."""
        return ()

    def collate(self, examples: Sequence[Example], seed: int) -> ReplacedBatch:
        """Texts with tokens hidden as the seed has it."""
        gaps = self._masked.collate(examples, seed)
        tokens = gaps.inputs.tokens.index_copy(0, gaps.read, gaps.targets)
        read = torch.from_numpy(np.flatnonzero(marks_of(examples) != SPECIAL))
        return ReplacedBatch(gaps, tokens, read, seed)

    def loss(self, model: nn.Module, batch: ReplacedBatch) -> tuple[Tensor, Tensor]:
        """Sum of both over a batch, and how many tokens were hidden."""
        assert isinstance(model, ReplacedTokenModel)
        loss, _, _ = self._both(model, batch)
        return loss, loss.new_tensor(len(batch.gaps.targets))

    def scores(self, model: nn.Module, rows: Rows, *, token_budget: int) -> Scores:
        """`loss`, and `accuracy` and `f1` of finding the tokens that were replaced."""
        assert isinstance(model, ReplacedTokenModel)
        model.eval()
        counts, device = _Counts(), next(model.parameters()).device
        with torch.no_grad():
            for batch in self._batches(rows, token_budget):
                loss, logits, replaced = self._both(model, batch.to(device))
                suspected = logits > 0
                counts.suspected += int(suspected.sum())
                counts.found += int((suspected & (replaced > 0)).sum())
                self._add(counts, batch, float(loss), int(replaced.sum()))
        return counts.scores()

    def baseline(
        self,
        rows: Rows,
        counts: NDArray[np.int64],
        *,
        token_budget: int,
        model: nn.Module | None = None,
    ) -> Scores:
        """Of a guess that nothing was replaced.

        What there is to find hangs on how well the generator of `model` fills gaps; without one it
        draws tokens as often as they occur.
        """
        chances = (counts + 1) / (counts.sum() + len(counts))
        found = _Counts()
        for batch in self._batches(rows, token_budget):
            targets = batch.gaps.targets.numpy()
            replaced = int(self._replaced(model, batch, chances).sum())
            share = min(max(replaced / len(batch.read), 1e-6), 1 - 1e-6)
            entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
            loss = -float(np.log(chances[targets]).sum())
            loss += _WEIGHT * self.rate * entropy * len(batch.read)
            self._add(found, batch, loss, replaced)
        return found.scores()

    def _both(
        self, model: ReplacedTokenModel, batch: ReplacedBatch
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Sum of the losses, (R,) logits of the detector, and (R,) what is true."""
        gaps, generator = batch.gaps, model.generator
        x = model.gaps(gaps.inputs, gaps.read)
        loss = linear_cross_entropy(x, generator.output_weight, generator.output_bias, gaps.targets)
        draws = torch.Generator(x.device).manual_seed(batch.seed)
        inputs, replaced = batch.filled(model.drawn(x, draws))
        logits = model(inputs, batch.read)
        detected = F.binary_cross_entropy_with_logits(logits, replaced, reduction="sum")
        return loss + _WEIGHT * self.rate * detected, logits, replaced

    @torch.no_grad()
    def _replaced(
        self, model: nn.Module | None, batch: ReplacedBatch, chances: NDArray[np.float64]
    ) -> Tensor:
        """(R,) what is true, by the model's generator or by `chances` (V,)."""
        if isinstance(model, ReplacedTokenModel):
            there = batch.to(next(model.parameters()).device)
            draws = torch.Generator(there.tokens.device).manual_seed(batch.seed)
            x = model.gaps(there.gaps.inputs, there.gaps.read)
            return there.filled(model.drawn(x, draws))[1]
        random = np.random.default_rng(batch.seed)
        drawn = random.choice(len(chances), len(batch.gaps.targets), p=chances)
        return batch.filled(torch.from_numpy(drawn))[1]

    def _add(self, counts: _Counts, batch: ReplacedBatch, loss: float, replaced: int) -> None:
        counts.loss += loss
        counts.gaps += len(batch.gaps.targets)
        counts.tokens += len(batch.read)
        counts.replaced += replaced

    def _batches(self, rows: Rows, token_budget: int) -> Iterator[ReplacedBatch]:
        """The rows; what is random in them is the same each time."""
        for number, examples in enumerate(batches_of(rows, token_budget)):
            yield self.collate(examples, number)
