"""The gradients of one step, in parts that fit into memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from glossator.errors import ConfigError, GlossatorError
from glossator.models.dropout import drawing_from
from glossator.tasks.answers import is_out_of_memory, token_batches
from glossator.tasks.learnable import Comparing, Example, Learnable, filler, units
from glossator.training.config import TrainingConfig
from glossator.training.distributed import Ranks
from glossator.training.masters import Gradients
from glossator.training.randomness import place_seed
from glossator.training.sharding import ShardedOptimizer
from glossator.training.workers import Workers, even_shares

__all__ = ["StepGradients"]

# A product of a new shape compiles kernels first: some milliseconds and a thousand page faults a
# step while no two steps have equally many tokens (measured: benchmarks/notes.md).
_TOKENS_STEP = 8

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class _Share:
    """What a process computes of a step.

    Attributes:
        examples: of the whole step, on all processes alike.
        units: of this process: numbers of examples that are computed together.
    """

    examples: Sequence[Example]
    units: Sequence[Sequence[int]]

    def tokens(self, unit: Sequence[int]) -> int:
        """How many a unit has."""
        return sum(len(self.examples[number].tokens) for number in unit)


@dataclass(frozen=True)
class _Part:
    """Examples that go through the model at once.

    Attributes:
        numbers: theirs in the step.
        examples: these.
        place: in the run, which says what is random of them.
    """

    numbers: Sequence[int]
    examples: list[Example]
    place: tuple[int, ...]


class _Again(Exception):
    """The memory of another process did not suffice, and all of them begin the step anew."""


class StepGradients:
    """Computes the gradients of the sum of losses over the examples of a step.

    Args:
        model: what is trained.
        task: what it learns.
        named: the parameters, by name.
        optimizer: takes the gradients.
        workers: compute parts side by side.
        ranks: the other processes, each of which computes a share.
        config: names the seed and how many tokens go through the model at once.
        halved: told of the new budget where memory did not suffice.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Learnable[Any],
        named: Mapping[str, nn.Parameter],
        *,
        optimizer: ShardedOptimizer,
        workers: Workers,
        ranks: Ranks,
        config: TrainingConfig,
        halved: Callable[[int], None],
    ):
        self.model, self.task, self.named = model, task, named
        self.optimizer, self.workers, self.ranks = optimizer, workers, ranks
        self.seed, self.token_budget, self._halved = config.seed, config.tokens_at_once, halved
        self.device = next(model.parameters()).device
        self._compares = task.coupling == "step" and isinstance(task, Comparing)
        if task.coupling == "step" and ranks.count > 1 and not self._compares:
            raise ConfigError(
                "this loss holds all rows of a step against each other, which several processes "
                "cannot share; leave --processes and --workers out"
            )

    def take(self, examples: Sequence[Example], step: int) -> tuple[float, float]:
        """Have the optimizer take the gradients of a step.

        Args:
            examples: of the whole step, on all processes alike.
            step: its number; with the seed it says what dropout draws.

        Returns:
            the sum of losses and the count it is to be divided by, over all processes.

        Raises:
            GlossatorError: one text alone does not fit into memory.
        """
        numbers = itertools.count()
        together = [
            [next(numbers) for _ in unit]
            for unit in units(examples, "row" if self._compares else self.task.coupling)
        ]
        lengths = list(map(_Share(examples, together).tokens, together))
        mine = _Share(examples, self.ranks.share(together, lengths))
        loss, count = self._in_memory(mine, step)
        self.ranks.add_up(self.optimizer.gradients)
        loss, count = self.ranks.totals(loss, count)
        return loss, count

    def _in_memory(self, work: _Share, step: int) -> tuple[float, float]:
        """Repeat with half the budget until memory suffices."""
        while True:
            try:
                return (self._compared if self._compares else self._try)(work, step)
            except _Again:
                self.optimizer.drop_gradients()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(work)

    def _try(self, work: _Share, step: int) -> tuple[float, float]:
        loss_sum = count_sum = 0.0
        if not work.units:
            self.optimizer.take_gradients([])
        for turn in self._turns(work, step):
            losses, counts, gradients = zip(*self.workers.map(self._part, turn), strict=True)
            self.optimizer.take_gradients(gradients)
            loss_sum += sum(losses)
            count_sum += sum(counts)
        return loss_sum, count_sum

    def _compared(self, work: _Share, step: int) -> tuple[float, float]:
        """As `_try`, of a loss over vectors of all examples: these, it, and back through each part.

        A process makes the vectors of its share, has those of all, and goes back through its own.
        Where the parts take several turns their graphs would not fit side by side: each is
        computed again, with the same dropout (Gao et al. 2021, "Scaling deep contrastive learning
        batch size under memory limited setup").
        """
        turns = list(self._turns(work, step))
        embed = partial(self._vectors, graph=len(turns) == 1)
        found = self._on_all(lambda: [self.workers.map(embed, turn) for turn in turns])
        vectors = self._gathered(work, turns, found, step).requires_grad_()
        batch = self.task.collate(work.examples, place_seed(self.seed, step)).to(self.device)
        loss, count = self._comparing.compare(vectors, batch)
        (wanted,) = torch.autograd.grad(loss, [vectors])

        def back() -> None:
            if not turns:
                self.optimizer.take_gradients([])
            for turn, kept in zip(turns, found, strict=True):
                items = [
                    (part, x, wanted[part.numbers]) for part, x in zip(turn, kept, strict=True)
                ]
                self.optimizer.take_gradients(self.workers.map(self._back, items))

        self._on_all(back)
        # All have the same loss, and what they say is added up.
        return (float(loss.detach()), float(count)) if self.ranks.first else (0.0, 0.0)

    def _on_all(self, function: Callable[[], _Found]) -> _Found:
        """What it gives; a process whose memory does not suffice has all of them repeat."""
        found: _Found | None = None
        lacking: Exception | None = None
        try:
            found = function()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            lacking = error
        if self.ranks.totals(float(lacking is not None))[0]:
            raise lacking or _Again
        return found  # type: ignore[return-value]  # it came to an end

    def _gathered(
        self, work: _Share, turns: Sequence[list[_Part]], found: Sequence[list[Tensor]], step: int
    ) -> Tensor:
        """(B, D) the vectors of all examples of a step, from those that each process found."""
        parts, vectors = list(itertools.chain(*turns)), list(itertools.chain(*found))
        if not vectors:  # there are more processes than rows, and a sum wants one shape
            like = _Part((), list(work.examples[:1]), (step, self.ranks.rank))
            vectors = [self._vectors(like, graph=False)[:0]]
        whole = vectors[0].new_zeros(len(work.examples), vectors[0].shape[1], requires_grad=False)
        for part, mine in zip(parts, vectors, strict=False):
            whole[part.numbers] = mine.detach()
        self.ranks.add_up([whole])
        return whole

    def _vectors(self, part: _Part, *, graph: bool) -> Tensor:
        """(B, D) of the examples of a part, with or without what leads back to the model."""
        seed = place_seed(self.seed, *part.place)
        batch = self.task.collate(self._filled_up(part.examples), seed).to(self.device)
        generator = torch.Generator(self.device).manual_seed(seed)
        with torch.set_grad_enabled(graph), drawing_from(generator):
            return self._comparing.embed(self.model, batch)[: len(part.examples)]

    def _back(self, work: tuple[_Part, Tensor, Tensor]) -> Gradients:
        """The gradients that those of the vectors of a part make."""
        part, vectors, wanted = work
        if not vectors.requires_grad:
            vectors = self._vectors(part, graph=True)
        found: Sequence[Tensor | None] = torch.autograd.grad(
            vectors, list(self.named.values()), wanted, allow_unused=True
        )
        return dict(zip(self.named, found, strict=True))

    @property
    def _comparing(self) -> Comparing:
        assert isinstance(self.task, Comparing)
        return self.task

    def _turns(self, work: _Share, step: int) -> Iterator[list[_Part]]:
        """Parts that are computed side by side, each with its place in the run."""
        for turn, found in enumerate(self._parts(work) if work.units else ()):
            yield [
                _Part(part, [work.examples[i] for i in part], (step, self.ranks.rank, turn, number))
                for number, part in enumerate(found)
            ]

    def _parts(self, work: _Share) -> Iterator[list[list[int]]]:
        """The units in parts that fit into the token budget, some of them side by side."""
        lengths = list(map(work.tokens, work.units))
        workers = self.workers.count if self.token_budget > max(lengths) else 1
        shares = even_shares(lengths, workers)
        budget = max(max(lengths), self.token_budget // len(shares))
        queues = [token_batches(share, lengths, budget) for share in shares]
        for parts in itertools.zip_longest(*queues, fillvalue=()):
            yield [[number for i in part for number in work.units[i]] for part in parts if part]

    def _part(self, part: _Part) -> tuple[float, float, Gradients]:
        """Sum of losses and of counts, and the gradients, of examples at a place of the run."""
        seed = place_seed(self.seed, *part.place)
        batch = self.task.collate(self._filled_up(part.examples), seed).to(self.device)
        generator = torch.Generator(self.device).manual_seed(seed)
        with drawing_from(generator):
            loss, count = self.task.loss(self.model, batch)
        gradients: Sequence[Tensor | None] = torch.autograd.grad(
            loss, list(self.named.values()), allow_unused=True
        )
        return float(loss.detach()), float(count), dict(zip(self.named, gradients, strict=True))

    def _halve(self, work: _Share) -> None:
        """Drop what was computed and allow half as many tokens at once."""
        self.optimizer.drop_gradients()
        longest = max(work.units, key=work.tokens)
        tokens = work.tokens(longest)
        if self.token_budget <= tokens:
            what = "text" if len(longest) == 1 else "group of texts"
            raise GlossatorError(
                f"not enough memory to train on one {what} of {tokens} tokens; "
                "a smaller --max-length reads it in shorter windows"
            )
        total = sum(map(work.tokens, work.units))
        self.token_budget = max(tokens, min(self.token_budget, total) // 2)
        self._halved(self.token_budget)

    def _filled_up(self, examples: list[Example]) -> list[Example]:
        """The examples and one of weight 0, if that makes their tokens a multiple of some."""
        missing = -sum(len(example.tokens) for example in examples) % _TOKENS_STEP
        return [*examples, filler(examples[0], missing, self.task.specs)] if missing else examples
