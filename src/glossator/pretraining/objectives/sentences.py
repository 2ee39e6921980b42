"""What the objectives share that judge pairs of texts beside filling gaps."""

from __future__ import annotations

import abc
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

from glossator.errors import InputError
from glossator.models.linear_loss import linear_cross_entropy, linear_scores
from glossator.models.sentences import SentenceModel
from glossator.pretraining.corpus.corpus import Part, Piece
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.objectives.objective import ModelKind, Scores, detection
from glossator.pretraining.objectives.reading import ReadBatch, batches_of
from glossator.pretraining.pairs import PairExample, PairRows, wrapped
from glossator.tasks.learnable import ArraySpec, Coupling, Example
from glossator.text.findings import count_of
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import Rows

__all__ = ["SentenceBatch", "SentenceObjective"]


@dataclass(frozen=True)
class SentenceBatch:
    """Texts with tokens hidden, some of them pairs to be judged.

    Attributes:
        gaps: what is to be filled.
        starts: (P,) row of the first token of each pair, rising.
        altered: (P,) 1 where a pair is not as it stood in its document, else 0.
        weights: (P,) float32, how much each judgement counts.
    """

    gaps: ReadBatch
    starts: Tensor
    altered: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> SentenceBatch:
        """The same batch on another device."""
        rest = (self.starts, self.altered, self.weights)
        return SentenceBatch(self.gaps.to(device), *(x.to(device) for x in rest))


@dataclass
class _Counts:
    """Sums over batches; `judged` is the weighted loss of the pairs."""

    loss: float = 0.0
    judged: float = 0.0
    gaps: int = 0
    hits: int = 0
    pairs: int = 0
    altered: int = 0
    suspected: int = 0
    found: int = 0  # of those altered

    def scores(self) -> Scores:
        loss = self.loss / self.gaps
        return {
            "loss": loss + self.judged / self.gaps,
            **detection(self.pairs, real=self.altered, suspected=self.suspected, found=self.found),
            "masked_perplexity": math.exp(min(loss, 700.0)),
            "masked_accuracy": self.hits / self.gaps,
        }


class SentenceObjective(abc.ABC):
    """Fill gaps, and tell pairs of texts that stand as they stood from those that do not.

    A fair coin says of each pair whether it is altered. The two losses weigh alike: a judgement
    counts as many hidden tokens as are expected in its pair, so that parts of a batch add up.

    Args:
        tokenizer: has a mask token.
        rate: share of tokens to predict.

    Raises:
        InputError: the tokenizer has no mask token.
    """

    name: str
    makes: ModelKind = "sentences"
    opens_as = "AutoModelForMaskedLM"
    specs: Sequence[ArraySpec] = ()
    coupling: Coupling = "example"

    def __init__(self, tokenizer: Tokenizer, *, rate: float = 0.15):
        self._tokenizer, self.rate = tokenizer, rate
        self._masked = MaskedLanguage(tokenizer, name=self.name, rate=rate)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Objective and rate."""
        return {"objective": self.name, "mask_rate": self.rate}

    @abc.abstractmethod
    def altered(self, pair: PairExample, random: np.random.Generator) -> tuple[Piece, Piece]:
        """What a pair becomes that is not left as it stands."""

    def rows(self, part: Part, length: int) -> PairRows:
        """See `Objective`; raises InputError where no document has two sentences."""
        rows = PairRows(part, self._tokenizer, length)
        if not rows.pairs.paired:
            raise InputError(
                f"--objective {self.name} learns how sentences follow each other, and none of "
                f"{count_of(len(part), 'document')} in the {part.name} part has two. A sentence "
                "is a line; --sentences punctuation also ends it after . ! ? and their like"
            )
        return rows

    def remarks(self, rows: Rows) -> Sequence[str]:
        """How many documents teach no order, for they have one sentence."""
        assert isinstance(rows, PairRows)
        alone, total = rows.pairs.alone, rows.pairs.documents + rows.pairs.alone
        if not alone:
            return ()
        return [
            f"{alone:,} of {count_of(total, 'document')} to learn from have one sentence: their "
            "words are learned, but not how sentences follow each other (--sentences punctuation "
            "also ends one after . ! ? and their like)"
        ]

    def collate(self, examples: Sequence[Example], seed: int) -> SentenceBatch:
        """Texts with tokens hidden, half of the pairs altered, as the seed has it."""
        random = np.random.default_rng((seed, 1))  # another stream than that of the gaps
        coins = random.random(len(examples)) < 0.5
        pairs = [_pair(example) for example in examples]
        made = [
            self._altered(pair, random) if pair and coin else example
            for example, pair, coin in zip(examples, pairs, coins, strict=True)
        ]
        gaps = self._masked.collate(made, seed)
        at = np.flatnonzero([pair is not None for pair in pairs])
        sizes = gaps.inputs.lengths[at] - self._tokenizer.pair_specials
        return SentenceBatch(
            gaps, gaps.inputs.starts[at], torch.from_numpy(coins[at]).long(), self.rate * sizes
        )

    def _altered(self, pair: PairExample, random: np.random.Generator) -> Example:
        made = wrapped(self._tokenizer, *self.altered(pair, random))
        return dataclasses.replace(made, weight=pair.weight)

    def loss(self, model: nn.Module, batch: SentenceBatch) -> tuple[Tensor, Tensor]:
        """Sum of both over a batch, and how many tokens were hidden."""
        assert isinstance(model, SentenceModel)
        x, logits = _states(model, batch)
        gaps = batch.gaps.targets
        loss = linear_cross_entropy(x, model.output_weight, model.output_bias, gaps)
        return loss + _judged(logits, batch), loss.new_tensor(len(gaps))

    @torch.no_grad()
    def scores(self, model: nn.Module, rows: Rows, *, token_budget: int) -> Scores:
        """`loss`, `accuracy` and `f1` of finding the altered pairs, and how gaps are filled."""
        assert isinstance(model, SentenceModel)
        model.eval()
        counts, device = _Counts(), model.output_weight.device
        for batch in self._batches(rows, token_budget):
            there = batch.to(device)
            x, logits = _states(model, there)
            targets = there.gaps.targets
            losses, hits = linear_scores(x, model.output_weight, model.output_bias, targets)
            counts.loss += float(losses.sum())
            counts.hits += int(hits.sum())
            counts.judged += float(_judged(logits, there))
            _judge(counts, batch, logits.argmax(-1).cpu())
        return counts.scores()

    def baseline(
        self,
        rows: Rows,
        counts: NDArray[np.int64],
        *,
        token_budget: int,
        model: nn.Module | None = None,
    ) -> Scores:
        """Of a guess by how often tokens occur, and whether most pairs are altered."""
        batches = list(self._batches(rows, token_budget))
        altered = sum(int(batch.altered.sum()) for batch in batches)
        share = altered / sum(len(batch.altered) for batch in batches)
        likely = min(max(share, 1e-6), 1 - 1e-6)
        logits = torch.tensor([1 - likely, likely], dtype=torch.float64).log()
        chances, found = (counts + 1) / (counts.sum() + len(counts)), _Counts()
        for batch in batches:
            targets, guess = batch.gaps.targets.numpy(), logits.expand(len(batch.altered), 2)
            found.loss -= float(np.log(chances[targets]).sum())
            found.hits += int((targets == int(counts.argmax())).sum())
            found.judged += float(_judged(guess, batch))
            _judge(found, batch, torch.full_like(batch.altered, int(share > 0.5)))
        return found.scores()

    def _batches(self, rows: Rows, token_budget: int) -> Iterator[SentenceBatch]:
        """The rows; what is random in them is the same each time."""
        for number, examples in enumerate(batches_of(rows, token_budget)):
            yield self.collate(examples, number)


def _pair(example: Example) -> PairExample | None:
    """The example, if it is a pair to be judged: no single sentence, and nothing that fills up."""
    if not isinstance(example, PairExample) or not example.weight or example.pairs is None:
        return None
    return example if example.pairs.is_pair(example.number) else None


def _states(model: SentenceModel, batch: SentenceBatch) -> tuple[Tensor, Tensor]:
    """(M, width of the word table) of the gaps, and (P, 2) logits of the pairs, in one pass."""
    gaps, starts = batch.gaps.read, batch.starts
    # No gap is the first token of a pair, which is a special one.
    read = torch.cat([gaps, starts]).sort().values
    x = model.encoder(batch.gaps.inputs, read=read).last
    hidden, first = (x.index_select(0, torch.searchsorted(read, at)) for at in (gaps, starts))
    return model.predictions(hidden), model.sentences(first)


def _judged(logits: Tensor, batch: SentenceBatch) -> Tensor:
    """The weighted loss of the pairs, added up."""
    losses = F.cross_entropy(logits, batch.altered, reduction="none")
    return (losses * batch.weights).sum()


def _judge(counts: _Counts, batch: SentenceBatch, guess: Tensor) -> None:
    """Take in what was guessed of each pair, (P,) 1 for altered."""
    counts.gaps += len(batch.gaps.targets)
    counts.pairs += len(guess)
    counts.altered += int(batch.altered.sum())
    counts.suspected += int(guess.sum())
    counts.found += int((guess & batch.altered).sum())
