"""The training loop: one for everything that learns."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from glossator.errors import GlossatorError
from glossator.models.dropout import drawing_from
from glossator.models.encoder import Encoder
from glossator.tasks.answers import is_out_of_memory, token_batches
from glossator.tasks.learnable import Example, Learnable, collate
from glossator.training.config import TrainingConfig
from glossator.training.events import Evaluated, Halved, Notify, Started, Stepped
from glossator.training.masters import Gradients
from glossator.training.memory import collector_spared, keep_freed_memory
from glossator.training.optimizers import clip_factor, parameter_groups
from glossator.training.schedules import learning_rate
from glossator.training.sharding import ShardedOptimizer
from glossator.training.vocabulary import narrow_vocabulary
from glossator.training.workers import Workers, even_shares

__all__ = ["Dev", "History", "Trainable", "train"]

Row = Sequence[Example]

# A product of a new shape compiles kernels first: some milliseconds and a thousand page faults a
# step while no two steps have equally many tokens (measured: benchmarks/notes.md).
_TOKENS_STEP = 8


class Trainable(Protocol):
    """A model with an encoder, as `SequenceClassifier` is."""

    encoder: Encoder

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """As `torch.nn.Module` has it."""


@dataclass(frozen=True)
class Dev:
    """The rows on which the best step is chosen.

    Attributes:
        rows: their examples.
        score: scores them with the model as it is, by name.
        better: of two scores, whether the first is better than the second.
    """

    rows: Sequence[Row]
    score: Callable[[], Mapping[str, Any]]
    better: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


@dataclass
class History:
    """What happened.

    Attributes:
        steps: one event a step.
        evaluations: one event an evaluation.
        best_step: the step whose weights the model has at the end.
        seconds: of training alone, evaluations left out.
        epochs: passes over the data.
        finished: false where the run was interrupted.
    """

    steps: list[Stepped] = field(default_factory=list)
    evaluations: list[Evaluated] = field(default_factory=list)
    best_step: int = 0
    seconds: float = 0.0
    epochs: float = 0.0
    finished: bool = True


def train(
    model: nn.Module,
    task: Learnable,
    rows: Sequence[Row],
    config: TrainingConfig,
    *,
    dtype: torch.dtype,
    dev: Dev | None = None,
    notify: Notify = lambda _: None,
) -> History:
    """Train a model on rows of a task; it has the best weights at the end, in float32.

    Two runs with one seed on one kind of machine end in the same bits. An interrupt (Ctrl-C) ends
    the run early, with the best weights so far.

    Args:
        model: on the device to train on.
        task: what to learn.
        rows: the examples of each training row.
        config: how; `learning_rate` is set.
        dtype: what to compute in; parameters keep float32 masters.
        dev: after each epoch its score decides which weights are best; None: the last are.
        notify: is told of each step and evaluation.

    Raises:
        GlossatorError: a loss or a gradient is no number, or one text does not fit into memory.
    """
    keep_freed_memory()
    run = _Run(model, task, rows, config, dtype, dev, notify)
    texts = (e.tokens for part in (rows, dev.rows if dev else ()) for row in part for e in row)
    with (
        narrow_vocabulary(run.encoder, texts),
        torch.random.fork_rng(),
        collector_spared(),
        _masters(run),
    ):
        torch.manual_seed(config.seed)
        try:
            run.loop()
        except KeyboardInterrupt:
            run.history.finished = False
        run.finish()
    return run.history


@contextmanager
def _masters(run: _Run) -> Iterator[None]:
    """Give a run its masters, and the model its float32 parameters back at the end."""
    run.begin()
    try:
        yield
    finally:
        run.workers.close()
        run.optimizer.release()
        run.encoder.compute_dtype = torch.float32
        run.model.eval()


class _Run:
    """The state of one run."""

    def __init__(
        self,
        model: nn.Module,
        task: Learnable,
        rows: Sequence[Row],
        config: TrainingConfig,
        dtype: torch.dtype,
        dev: Dev | None,
        notify: Notify,
    ):
        assert isinstance(model.encoder, Encoder)
        self.model, self.task, self.rows, self.config = model, task, rows, config
        self.encoder, self.dtype, self.dev, self.notify = model.encoder, dtype, dev, notify
        self.device = next(model.parameters()).device
        self.budget = config.token_budget
        self.history = History()
        self.steps_per_epoch = math.ceil(len(rows) / config.batch_size)
        self.steps = config.epochs * self.steps_per_epoch
        self.tokens_seen = self.rows_seen = 0

    def begin(self) -> None:
        """Set up masters and optimizer; the word table is already narrow."""
        self.named = dict(self.model.named_parameters())
        low = [name for name in self.named if not name.startswith("encoder.embeddings.")]
        groups = parameter_groups(
            self.named,
            blocks=len(self.encoder.blocks),
            weight_decay=self.config.weight_decay,
            layer_decay=self.config.layer_decay,
        )
        self.workers = Workers(self.device)
        self.optimizer = ShardedOptimizer(
            self.named, groups, low=low, dtype=self.dtype, workers=self.workers
        )
        self.encoder.compute_dtype = self.dtype
        self.best: list[list[Tensor]] | None = None
        self.best_scores: Mapping[str, Any] | None = None

    def loop(self) -> None:
        """All epochs, or fewer where patience ends."""
        tokens = sum(len(example.tokens) for row in self.rows for example in row)
        self.notify(Started(self.steps, len(self.rows), tokens))
        waited = 0
        for epoch in range(self.config.epochs):
            order = torch.randperm(len(self.rows)).tolist()
            for start in range(0, len(order), self.config.batch_size):
                self.step([self.rows[i] for i in order[start : start + self.config.batch_size]])
            waited = 0 if self.evaluate(epoch + 1) else waited + 1
            if waited == self.config.patience:
                return

    def step(self, rows: Sequence[Row]) -> None:
        """One optimizer step over rows, in as many parts as the token budget asks for."""
        began = time.perf_counter()
        number = len(self.history.steps)
        examples = [example for row in rows for example in row]
        self.model.train()
        loss, count = self._gradients(examples)
        _check_finite("loss", loss, number + 1)
        rate = self._rate(number)
        norm = self._update(rate, count)
        self.rows_seen += len(rows)
        self.tokens_seen += sum(len(example.tokens) for example in examples)
        self.history.seconds += time.perf_counter() - began
        self.history.epochs = (number + 1) / self.steps_per_epoch
        event = Stepped(
            step=number + 1,
            epoch=self.history.epochs,
            loss=loss / count,
            rate=rate,
            norm=norm,
            rows=self.rows_seen,
            tokens=self.tokens_seen,
            seconds=self.history.seconds,
        )
        self.history.steps.append(event)
        self.notify(event)

    def evaluate(self, epoch: int) -> bool:
        """Score the dev rows; whether training goes on to be worth it."""
        step = len(self.history.steps)
        if self.dev is None:
            self.history.best_step = step
            return True
        scores = self.dev.score()
        best = self.best_scores is None or self.dev.better(scores, self.best_scores)
        if best:
            self.best_scores, self.best = scores, self.optimizer.snapshot()
            self.history.best_step = step
        event = Evaluated(step, float(epoch), scores, best)
        self.history.evaluations.append(event)
        self.notify(event)
        return best

    def finish(self) -> None:
        """Give the model the best weights."""
        if self.best is not None:
            self.optimizer.restore(self.best)
        else:
            self.history.best_step = len(self.history.steps)

    def _gradients(self, examples: Sequence[Example]) -> tuple[float, float]:
        """Sum of losses and of counts; the gradients of the sum are with the masters."""
        while True:
            try:
                return self._try_gradients(examples)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(examples)

    def _try_gradients(self, examples: Sequence[Example]) -> tuple[float, float]:
        loss_sum = count_sum = 0.0
        for parts in self._parts(examples):
            seeds = torch.randint(2**62, (len(parts),)).tolist()
            answers = self.workers.map(self._part, list(zip(parts, seeds, strict=True)))
            losses, counts, gradients = zip(*answers, strict=True)
            self.optimizer.take_gradients(gradients)
            loss_sum += sum(losses)
            count_sum += sum(counts)
        return loss_sum, count_sum

    def _parts(self, examples: Sequence[Example]) -> Iterator[list[list[Example]]]:
        """The examples in parts that fit into the token budget, some of them side by side."""
        lengths = [len(example.tokens) for example in examples]
        workers = self.workers.count if self.budget > max(lengths) else 1
        shares = even_shares(lengths, workers)
        budget = max(max(lengths), self.budget // len(shares))
        queues = [token_batches(share, lengths, budget) for share in shares]
        for parts in itertools.zip_longest(*queues, fillvalue=()):
            yield [[examples[i] for i in part] for part in parts if part]

    def _part(self, work: tuple[list[Example], int]) -> tuple[float, float, Gradients]:
        """Sum of losses and of counts, and the gradients, of examples under a seed."""
        examples, seed = work
        batch = collate(_filled_up(examples)).to(self.device)
        with drawing_from(torch.Generator(self.device).manual_seed(seed)):
            loss, count = self.task.loss(self.model, batch)
        gradients = torch.autograd.grad(loss, list(self.named.values()), allow_unused=True)
        return float(loss.detach()), float(count), dict(zip(self.named, gradients, strict=True))

    def _halve(self, examples: Sequence[Example]) -> None:
        """Drop what was computed and allow half as many tokens at once."""
        self.optimizer.drop_gradients()
        longest = max(len(example.tokens) for example in examples)
        tokens = sum(len(example.tokens) for example in examples)
        if self.budget <= longest:
            raise GlossatorError(
                f"not enough memory to train on one text of {longest} tokens; "
                "a smaller --max-length reads it in shorter windows"
            )
        self.budget = max(longest, min(self.budget, tokens) // 2)
        self.notify(Halved(self.budget))

    def _rate(self, step: int) -> float:
        config = self.config
        assert config.learning_rate is not None
        return learning_rate(
            step,
            steps=self.steps,
            peak=config.learning_rate,
            warmup=config.warmup,
            schedule=config.schedule,
        )

    def _update(self, rate: float, count: float) -> float:
        norm = self.optimizer.norm() / count
        _check_finite("gradient", norm, len(self.history.steps) + 1)
        self.optimizer.step(rate=rate, factor=clip_factor(norm, self.config.clip_norm) / count)
        return norm


def _filled_up(examples: list[Example]) -> list[Example]:
    """The examples and one of weight 0, if that makes their tokens a multiple of `_TOKENS_STEP`."""
    missing = -sum(len(example.tokens) for example in examples) % _TOKENS_STEP
    if missing == 0:
        return examples
    tokens = examples[0].tokens[:1].repeat(missing)
    return [*examples, dataclasses.replace(examples[0], tokens=tokens, weight=0.0)]


def _check_finite(what: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise GlossatorError(
            f"the {what} of step {step} is {value}; a lower --learning-rate may help"
        )
