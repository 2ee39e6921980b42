"""The gradients of one step, in parts that fit into memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

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

_Placed: TypeAlias = tuple[list[Example], tuple[int, ...]]
"""Examples, and the place in the run that says what is random of them."""


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
        if task.coupling == "step" and ranks.count > 1:
            raise ConfigError(
                "this loss holds all rows of a step against each other, which several processes "
                "cannot share yet; leave --processes and --workers out"
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
        together = units(examples, "row" if self._compares else self.task.coupling)
        mine = self.ranks.share(together, [_tokens(unit) for unit in together])
        loss, count = self._in_memory(mine, step)
        self.ranks.add_up(self.optimizer.gradients)
        loss, count = self.ranks.totals(loss, count)
        return loss, count

    def _in_memory(self, work: list[list[Example]], step: int) -> tuple[float, float]:
        """Repeat with half the budget until memory suffices."""
        while True:
            try:
                return (self._compared if self._compares else self._try)(work, step)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(work)

    def _try(self, work: list[list[Example]], step: int) -> tuple[float, float]:
        loss_sum = count_sum = 0.0
        if not work:
            self.optimizer.take_gradients([])
        for turn in self._turns(work, step):
            losses, counts, gradients = zip(*self.workers.map(self._part, turn), strict=True)
            self.optimizer.take_gradients(gradients)
            loss_sum += sum(losses)
            count_sum += sum(counts)
        return loss_sum, count_sum

    def _compared(self, work: list[list[Example]], step: int) -> tuple[float, float]:
        """As `_try`, of a loss over vectors of all examples: these, it, and back through each part.

        Where the parts take several turns their graphs would not fit side by side: each is
        computed again, with the same dropout (Gao et al. 2021, "Scaling deep contrastive learning
        batch size under memory limited setup").
        """
        turns = list(self._turns(work, step))
        once = len(turns) == 1
        embed = partial(self._vectors, graph=once)
        found = [vectors for turn in turns for vectors in self.workers.map(embed, turn)]
        leaves = [vectors.detach().requires_grad_() for vectors in found]
        examples = [example for turn in turns for part, _ in turn for example in part]
        batch = self.task.collate(examples, place_seed(self.seed, step)).to(self.device)
        loss, count = self._comparing.compare(torch.cat(leaves), batch)
        wanted = iter(torch.autograd.grad(loss, leaves))
        kept = iter(found if once else [None] * len(found))
        for turn in turns:
            items = [(part, next(kept), next(wanted)) for part in turn]
            self.optimizer.take_gradients(self.workers.map(self._back, items))
        return float(loss.detach()), float(count)

    def _vectors(self, work: _Placed, *, graph: bool) -> Tensor:
        """(B, D) of the examples of a part, with or without what leads back to the model."""
        examples, place = work
        seed = place_seed(self.seed, *place)
        batch = self.task.collate(self._filled_up(examples), seed).to(self.device)
        generator = torch.Generator(self.device).manual_seed(seed)
        with torch.set_grad_enabled(graph), drawing_from(generator):
            return self._comparing.embed(self.model, batch)[: len(examples)]

    def _back(self, work: tuple[_Placed, Tensor | None, Tensor]) -> Gradients:
        """The gradients that those of the vectors of a part make."""
        part, vectors, wanted = work
        if vectors is None:
            vectors = self._vectors(part, graph=True)
        found: Sequence[Tensor | None] = torch.autograd.grad(
            vectors, list(self.named.values()), wanted, allow_unused=True
        )
        return dict(zip(self.named, found, strict=True))

    @property
    def _comparing(self) -> Comparing:
        assert isinstance(self.task, Comparing)
        return self.task

    def _turns(self, work: list[list[Example]], step: int) -> Iterator[list[_Placed]]:
        """Parts that are computed side by side, each with its place in the run."""
        for turn, parts in enumerate(self._parts(work) if work else ()):
            yield [(part, (step, self.ranks.rank, turn, i)) for i, part in enumerate(parts)]

    def _parts(self, work: list[list[Example]]) -> Iterator[list[list[Example]]]:
        """The units in parts that fit into the token budget, some of them side by side."""
        lengths = [_tokens(unit) for unit in work]
        workers = self.workers.count if self.token_budget > max(lengths) else 1
        shares = even_shares(lengths, workers)
        budget = max(max(lengths), self.token_budget // len(shares))
        queues = [token_batches(share, lengths, budget) for share in shares]
        for parts in itertools.zip_longest(*queues, fillvalue=()):
            yield [[example for i in part for example in work[i]] for part in parts if part]

    def _part(self, work: _Placed) -> tuple[float, float, Gradients]:
        """Sum of losses and of counts, and the gradients, of examples at a place of the run."""
        examples, place = work
        seed = place_seed(self.seed, *place)
        batch = self.task.collate(self._filled_up(examples), seed).to(self.device)
        generator = torch.Generator(self.device).manual_seed(seed)
        with drawing_from(generator):
            loss, count = self.task.loss(self.model, batch)
        gradients: Sequence[Tensor | None] = torch.autograd.grad(
            loss, list(self.named.values()), allow_unused=True
        )
        return float(loss.detach()), float(count), dict(zip(self.named, gradients, strict=True))

    def _halve(self, work: list[list[Example]]) -> None:
        """Drop what was computed and allow half as many tokens at once."""
        self.optimizer.drop_gradients()
        lengths = [_tokens(unit) for unit in work]
        longest = max(lengths)
        if self.token_budget <= longest:
            what = "text" if len(max(work, key=_tokens)) == 1 else "group of texts"
            raise GlossatorError(
                f"not enough memory to train on one {what} of {longest} tokens; "
                "a smaller --max-length reads it in shorter windows"
            )
        self.token_budget = max(longest, min(self.token_budget, sum(lengths)) // 2)
        self._halved(self.token_budget)

    def _filled_up(self, examples: list[Example]) -> list[Example]:
        """The examples and one of weight 0, if that makes their tokens a multiple of some."""
        missing = -_tokens(examples) % _TOKENS_STEP
        return [*examples, filler(examples[0], missing, self.task.specs)] if missing else examples


def _tokens(examples: Sequence[Example]) -> int:
    return sum(len(example.tokens) for example in examples)
