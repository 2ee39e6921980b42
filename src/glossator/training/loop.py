"""The training loop: one for everything that learns."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from glossator.errors import GlossatorError
from glossator.memory import collector_spared, keep_freed_memory
from glossator.models.encoder import Encoder
from glossator.tasks.learnable import Learnable
from glossator.training.checkpoints import Checkpoint, Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.dev import Dev
from glossator.training.distributed import Ranks
from glossator.training.events import (
    Diverged,
    Ended,
    Evaluated,
    Halved,
    Notify,
    Resumed,
    Saved,
    Started,
    Stepped,
)
from glossator.training.gradients import StepGradients
from glossator.training.order import epoch_order, examples_of
from glossator.training.parameter_groups import clip_factor, parameter_groups
from glossator.training.randomness import (
    random_state,
    restore_random_state,
    user_random_kept,
)
from glossator.training.resuming import newest_whole
from glossator.training.rows import Row, Rows, as_rows
from glossator.training.schedules import learning_rate
from glossator.training.sharding import ShardedOptimizer, Snapshot
from glossator.training.state import History, Identity, Progress
from glossator.training.vocabulary import narrow_vocabulary
from glossator.training.workers import Workers

__all__ = ["History", "Run", "carry_out", "train"]

# Steps after which the time of one is known well enough to say how many fit into a limit.
_MEASURED = 5


def train(
    model: nn.Module,
    task: Learnable[Any],
    rows: Rows | Sequence[Row],
    config: TrainingConfig,
    *,
    dtype: torch.dtype,
    dev: Dev | None = None,
    notify: Notify = lambda _: None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Train a model on rows of a task; it has the best weights at the end, in float32.

    Two runs with one seed on one kind of machine end in the same bits, and so does one that was
    killed and taken up from a checkpoint. An interrupt (Ctrl-C) ends the run early, with the best
    weights so far.

    Args:
        model: on the device to train on.
        task: what to learn.
        rows: the examples of each training row.
        config: how; `learning_rate` is a number.
        dtype: what to compute in; parameters keep float32 masters.
        dev: after each epoch its score decides which weights are best; None: the last are.
        notify: is told of each step, evaluation and checkpoint.
        checkpoints: where the run is saved; it is taken up from the last that stands there.

    Raises:
        GlossatorError: a loss or a gradient is no number, or one text does not fit into memory.
        CheckpointError: a checkpoint was changed, or is of another run.
        OSError: a checkpoint cannot be written.
    """
    return carry_out(Run(model, task, rows, config, dtype, dev, notify, checkpoints))


def carry_out(run: Run) -> History:
    """Take all steps of a run; see `train`."""
    keep_freed_memory()
    with (
        _vocabulary(run),
        user_random_kept(run.config.seed),
        collector_spared(),
        _masters(run),
    ):
        try:
            run.loop()
        except KeyboardInterrupt:
            run.history.ended_by = "interrupt"
        run.finish()
    return run.history


def _vocabulary(run: Run) -> AbstractContextManager[None]:
    """Train the rows of the word table that are used, where it is known which."""
    parts = [run.rows.vocabulary(), run.dev_rows.vocabulary()]
    if any(part is None for part in parts):
        return nullcontext()
    return narrow_vocabulary(run.encoder, itertools.chain(*(part or () for part in parts)))


@contextmanager
def _masters(run: Run) -> Iterator[None]:
    """Give a run its masters, and the model its float32 parameters back at the end."""
    try:
        run.begin()
        yield
    finally:
        if run.checkpoints:
            run.checkpoints.close()
        run.workers.close()
        run.optimizer.release(run.best)
        run.encoder.compute_dtype, run.encoder.recompute = torch.float32, False
        run.model.eval()


class Run:
    """The state of one run; the arguments are those of `train`.

    Attributes:
        until: the step after which it ends, at the rates of the whole plan; None: the plan's last.
    """

    until: int | None = None

    def __init__(
        self,
        model: nn.Module,
        task: Learnable[Any],
        rows: Rows | Sequence[Row],
        config: TrainingConfig,
        dtype: torch.dtype,
        dev: Dev | None,
        notify: Notify,
        checkpoints: Checkpoints | None,
    ):
        assert isinstance(model.encoder, Encoder)
        self.model, self.task, self.rows, self.config = model, task, as_rows(rows), config
        self.encoder, self.dtype, self.dev, self.notify = model.encoder, dtype, dev, notify
        self.dev_rows = as_rows(dev.rows if dev else [])
        self.checkpoints, self.ranks = checkpoints, Ranks.here()
        self.ranks.check(len(rows), config.batch_size)
        self.progress = Progress(token_budget=config.tokens_at_once)
        self.steps_per_epoch = math.ceil(len(rows) / config.batch_size)
        self.steps = config.max_steps or config.epochs * self.steps_per_epoch
        self.history = History(planned=self.steps)
        self.best: Snapshot | None = None
        self.order: tuple[int, Tensor] = (-1, torch.empty(0))
        self.last_evaluation, self.saved, self.clock = 0.0, 0, time.perf_counter()

    def begin(self) -> None:
        """Set up masters and optimizer, the word table being narrow, and go where the run was."""
        named = dict(self.model.named_parameters())
        config = self.config
        self.identity = Identity.of(
            config,
            self.rows,
            named.values(),
            settings=self.task.settings,
            dtype=self.dtype,
            processes=self.ranks.count,
        )
        self.workers = Workers(next(self.model.parameters()).device)
        self.optimizer = ShardedOptimizer(
            named,
            parameter_groups(
                named,
                blocks=len(self.encoder.blocks),
                weight_decay=config.weight_decay,
                layer_decay=config.layer_decay,
                position_rate=config.position_rate,
            ),
            low=[name for name in named if not name.startswith("encoder.embeddings.")],
            dtype=self.dtype,
            workers=self.workers,
            kind=config.optimizer,
            average=config.ema,
        )
        self.encoder.compute_dtype = self.dtype
        self.encoder.recompute = config.activation_checkpointing
        self.gradients = StepGradients(
            self.model,
            self.task,
            named,
            optimizer=self.optimizer,
            workers=self.workers,
            ranks=self.ranks,
            config=config,
            halved=lambda budget: self.notify(Halved(budget)),
        )

    def loop(self) -> None:
        """All epochs, or fewer where patience or time ends."""
        self.notify(Started(self._last, len(self.rows), self.rows.tokens, self.config.seconds))
        self.resume()
        self.clock = time.perf_counter() - self.progress.spent
        progress = self.progress
        while True:
            over = progress.step >= self._last or self._time_is_up()
            due = progress.step % (self.config.evaluation_steps or self.steps_per_epoch) == 0
            if progress.step > progress.evaluated and (over or due):
                self.evaluate()
                self.save()
            elif progress.step > self.saved and progress.step % self.config.checkpoint_steps == 0:
                self.save()
            if over or progress.waited == self.config.patience:
                return self._end("time" if over else "patience")
            self.step()

    @property
    def _last(self) -> int:
        return self.steps if self.until is None else self.until

    def _end(self, by: str) -> None:
        if self.progress.step < self._last:
            self.history.ended_by = by
            self.notify(Ended(self.progress.step, self._last, by))

    def step(self) -> None:
        """One optimizer step over `batch_size` rows."""
        began, progress = time.perf_counter(), self.progress
        numbers = self._rows_of_step()
        examples = examples_of(self.rows, numbers)
        self.model.train()
        loss, count = self.gradients.take(examples, progress.step)
        progress.token_budget = self.gradients.token_budget
        self._check_finite("loss", loss, numbers)
        norm = self.optimizer.norm() / count
        self._check_finite("gradient", norm, numbers)
        rate = self.rate()
        factor = clip_factor(norm, self.config.clip_norm) / count
        self.optimizer.step(progress.step + 1, rate=rate, factor=factor)
        progress.step += 1
        progress.rows += len(numbers)
        progress.tokens += sum(len(example.tokens) for example in examples)
        progress.seconds += time.perf_counter() - began
        self.history.steps.append(
            Stepped(
                step=progress.step,
                epoch=progress.step / self.steps_per_epoch,
                loss=loss / count,
                rate=rate,
                norm=norm,
                rows=progress.rows,
                tokens=progress.tokens,
                seconds=progress.seconds,
            )
        )
        self.notify(self.history.steps[-1])
        self._tell_saved()

    def evaluate(self) -> None:
        """Score the dev rows with the weights to answer with."""
        progress, began = self.progress, time.perf_counter()
        progress.evaluated = progress.step
        if self.dev is None:
            progress.best_step = progress.step
            return
        answering = self.optimizer.snapshot()
        if self.optimizer.averages:
            self.optimizer.show(answering)
        scores = self.dev.plain_scores()
        self.optimizer.hide()
        best = progress.best_scores is None or self.dev.better(scores, progress.best_scores)
        if best:
            progress.best_scores, progress.best_step, self.best = scores, progress.step, answering
        progress.waited = 0 if best else progress.waited + 1
        self.last_evaluation = time.perf_counter() - began
        event = Evaluated(progress.step, progress.step / self.steps_per_epoch, scores, best)
        self.history.evaluations.append(event)
        self.notify(event)

    def finish(self) -> None:
        """Say which weights the model gets, and wait for the last checkpoint."""
        if self.best is None:
            self.progress.best_step = self.progress.step
            self.best = self.optimizer.snapshot()
        if self.checkpoints:
            self._tell_saved(wait=True)
        self.history.best_step = self.progress.best_step
        self.history.seconds = self.progress.seconds
        self.history.spent = time.perf_counter() - self.clock
        self.history.epochs = self.progress.step / self.steps_per_epoch

    def save(self) -> None:
        """Hand what the run hangs on to the writer of checkpoints."""
        self.saved = self.progress.step
        if self.checkpoints is None or not self.ranks.first:
            return
        self.progress.spent = time.perf_counter() - self.clock
        self._tell_saved(wait=True)
        values, tensors = random_state()
        tensors |= {name: x.detach().cpu() for name, x in self.optimizer.state().items()}
        tensors = {name: tensor.clone() for name, tensor in tensors.items()}
        checkpoint = Checkpoint(
            step=self.progress.step,
            values={
                "identity": vars(self.identity),
                "progress": dataclasses.asdict(self.progress),  # a copy: training goes on
                "evaluations": [dataclasses.asdict(event) for event in self.history.evaluations],
                "random": values,
            },
            tensors=tensors | {"curve": self.history.curve()},
        )
        self.checkpoints.save(checkpoint, best_step=self.progress.best_step)

    def resume(self) -> None:
        """Go where the last checkpoint left the run, if there is one."""
        newest = newest_whole(self.checkpoints) if self.checkpoints else None
        if newest is None:
            return
        saved, best = newest.last, newest.best
        differences = self.identity.differences(saved.values["identity"])
        if self.checkpoints and self.ranks.first:
            self.checkpoints.drop_after(saved.step)
        self.progress = Progress(**saved.values["progress"])
        self.history.restore(saved.tensors["curve"], saved.values["evaluations"])
        if best is not None:
            self.optimizer.load_state(best.tensors)
            self.best = self.optimizer.snapshot()
        self.optimizer.load_state(saved.tensors)
        self.gradients.token_budget = self.progress.token_budget
        restore_random_state(saved.values["random"], saved.tensors)
        self.saved = saved.step
        self.notify(Resumed(saved.step, differences, newest.damaged))

    def _tell_saved(self, *, wait: bool = False) -> None:
        if self.checkpoints is None:
            return
        step = self.checkpoints.wait() if wait else self.checkpoints.written()
        if step is not None:
            self.notify(Saved(step))

    def _rows_of_step(self) -> list[int]:
        """The numbers of the rows of the next step; their order hangs on seed and epoch alone."""
        epoch, place = divmod(self.progress.step, self.steps_per_epoch)
        if self.order[0] != epoch:
            self.order = epoch, epoch_order(self.task, self.rows, self.config.seed, epoch)
        start = place * self.config.batch_size
        numbers: list[int] = self.order[1][start : start + self.config.batch_size].tolist()
        return numbers

    def rate(self) -> float:
        """The learning rate of the next step."""
        config = self.config
        assert isinstance(config.learning_rate, float)
        return learning_rate(
            self.progress.step,
            steps=self._steps_in_time(),
            peak=config.learning_rate,
            warmup=config.warmup,
            schedule=config.schedule,
        )

    def _steps_in_time(self) -> int:
        """How many steps the run will have, by its epochs and its time limit."""
        done, limit = self.progress.step, self.config.time_limit
        if limit is None or self.until is not None or done < _MEASURED:
            return self.steps
        left = (self._deadline() - time.perf_counter()) / (self.progress.seconds / done)
        return int(self.ranks.agreed(max(done + 1, min(self.steps, done + math.floor(left)))))

    def _time_is_up(self) -> bool:
        if self.config.time_limit is None:
            return False
        return bool(self.ranks.agreed(time.perf_counter() >= self._deadline()))

    def _deadline(self) -> float:
        """When the last step has to be over, so that the last evaluation still fits."""
        reserve = self.last_evaluation
        if not reserve and self.dev and self.progress.tokens:
            # Answering takes about a third of the time of learning.
            reserve = self.dev_rows.tokens * self.progress.seconds / self.progress.tokens / 3
        return self.clock + self.config.seconds - 1.1 * reserve

    def _check_finite(self, what: str, value: float, numbers: Sequence[int]) -> None:
        if math.isfinite(value):
            return
        step = self.progress.step + 1
        self.notify(Diverged(step, what, str(value), tuple(numbers)))
        raise GlossatorError(
            f"the {what} of step {step} is {value}; a lower --learning-rate may help"
        )
