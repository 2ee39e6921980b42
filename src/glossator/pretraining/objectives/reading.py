"""What objectives share that read tokens off some places of texts."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.models.causal import CausalLanguageModel
from glossator.models.linear_loss import linear_cross_entropy, linear_scores
from glossator.models.masked import MaskedLanguageModel
from glossator.pretraining.corpus.corpus import Part
from glossator.pretraining.objectives.objective import ModelKind, Scores
from glossator.pretraining.rows import CorpusRows
from glossator.tasks.learnable import ArraySpec, Coupling, Example
from glossator.text.packing import PackedBatch
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import Rows

__all__ = ["ReadBatch", "Reading", "Totals", "batches_of"]


@dataclass(frozen=True)
class ReadBatch:
    """Texts, and what is to be read off some of their tokens.

    Attributes:
        inputs: the texts as the model sees them.
        read: (R,) rows of these tokens, rising.
        targets: (R,) the tokens to predict there.
    """

    inputs: PackedBatch
    read: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> ReadBatch:
        """The same batch on another device."""
        return ReadBatch(self.inputs.to(device), self.read.to(device), self.targets.to(device))


@dataclass
class Totals:
    """Sums over the tokens that were predicted.

    Attributes:
        loss: in nats.
        hits: where the most probable token was right.
        tokens: how many there were.
        bytes: of their text.
    """

    loss: float = 0.0
    hits: float = 0.0
    tokens: int = 0
    bytes: int = 0


class Reading(abc.ABC):
    """An objective whose loss is the cross-entropy of tokens.

    Args:
        tokenizer: of the texts.
    """

    name: str
    makes: ModelKind
    opens_as: str
    ends: int | None = None
    specs: Sequence[ArraySpec] = ()
    coupling: Coupling = "example"

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer

    def rows(self, part: Part, length: int) -> Rows:
        """See `Objective`."""
        return CorpusRows(part, self._tokenizer, length, ends=self.ends)

    def remarks(self, rows: Rows) -> Sequence[str]:
        """Nothing."""
        return ()

    @property
    @abc.abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """See `Learnable`."""

    @abc.abstractmethod
    def collate(self, examples: Sequence[Example], seed: int) -> ReadBatch:
        """See `Learnable`."""

    @abc.abstractmethod
    def named(self, totals: Totals) -> Scores:
        """Scores by name, `loss` among them."""

    def count_bytes(self, targets: Tensor) -> int:
        """Of the text of tokens, where the scores ask for it."""
        return 0

    def loss(self, model: nn.Module, batch: ReadBatch) -> tuple[Tensor, Tensor]:
        """Sum over the tokens to predict, and how many they are."""
        assert isinstance(model, MaskedLanguageModel | CausalLanguageModel)
        x = model.hidden(batch.inputs, batch.read)
        loss = linear_cross_entropy(x, model.output_weight, model.output_bias, batch.targets)
        return loss, loss.new_tensor(len(batch.targets))

    def scores(self, model: nn.Module, rows: Rows, *, token_budget: int) -> Scores:
        """See `Objective`."""
        return self.named(self.measured(model, self._batches(rows, token_budget)))

    def baseline(
        self,
        rows: Rows,
        counts: NDArray[np.int64],
        *,
        token_budget: int,
        model: nn.Module | None = None,
    ) -> Scores:
        """Of a guess that knows how often each token occurs, and nothing else."""
        return self.named(self.guessed(counts, self._batches(rows, token_budget)))

    @torch.no_grad()
    def measured(self, model: nn.Module, batches: Iterable[ReadBatch]) -> Totals:
        """What a model makes of batches."""
        assert isinstance(model, MaskedLanguageModel | CausalLanguageModel)
        device, totals = model.output_weight.device, Totals()
        model.eval()
        for batch in batches:
            there = batch.to(device)
            x = model.hidden(there.inputs, there.read)
            found = linear_scores(x, model.output_weight, model.output_bias, there.targets)
            self._add(totals, batch, *(float(part.sum()) for part in found))
        return totals

    def guessed(self, counts: NDArray[np.int64], batches: Iterable[ReadBatch]) -> Totals:
        """What a guess by how often tokens occur, `counts` (V,), makes of them."""
        chances, totals = (counts + 1) / (counts.sum() + len(counts)), Totals()
        for batch in batches:
            targets = batch.targets.numpy()
            hits = (targets == int(counts.argmax())).sum()
            self._add(totals, batch, float(-np.log(chances[targets]).sum()), float(hits))
        return totals

    def _add(self, totals: Totals, batch: ReadBatch, loss: float, hits: float) -> None:
        totals.loss += loss
        totals.hits += hits
        totals.tokens += len(batch.targets)
        totals.bytes += self.count_bytes(batch.targets)

    def _batches(self, rows: Rows, token_budget: int) -> Iterator[ReadBatch]:
        """The rows; what is random in them is the same each time."""
        for number, examples in enumerate(batches_of(rows, token_budget)):
            yield self.collate(examples, number)


def batches_of(rows: Rows, token_budget: int) -> Iterator[list[Example]]:
    """The examples of rows, in batches of at most so many tokens, or of one row."""
    examples: list[Example] = []
    tokens = 0
    for i in range(len(rows)):
        row = rows[i]
        size = sum(len(example.tokens) for example in row)
        if examples and tokens + size > token_budget:
            yield examples
            examples, tokens = [], 0
        examples = [*examples, *row]
        tokens += size
    if examples:
        yield examples
