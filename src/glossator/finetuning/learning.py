"""Training, by one process or by several that share a step."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from glossator.finetuning.parts import Part
from glossator.finetuning.recipes import pace_of
from glossator.memory import give_back_freed_memory
from glossator.runs.folder import RunFolder
from glossator.tasks.answers import answer_rows
from glossator.tasks.learnable import Learnable
from glossator.tasks.task import Concluding, Task, is_better
from glossator.training.checkpoints import Checkpoints
from glossator.training.cluster import on_cluster
from glossator.training.config import SpreadConfig, TrainingConfig
from glossator.training.dev import Dev
from glossator.training.distributed import ALONE, Ranks
from glossator.training.events import Diverged, Event, Notify
from glossator.training.loop import History, Run, carry_out
from glossator.training.processes import device_of, together

__all__ = ["Share", "Trained", "dev_rows", "learn", "telling", "train_along"]


def telling(
    run: RunFolder | None,
    part: Part,
    watch: Callable[[Event], None],
    note: Callable[[str], None],
) -> Notify:
    """What hears of a training: the run's folder, which keeps the rows of a bad step, and `watch`.

    Args:
        run: where it is written down.
        part: the rows that it learns from.
        watch: is told of each event.
        note: is told where the rows of a bad step are.
    """

    def notify(event: Event) -> None:
        if run:
            run.event(event)
            if isinstance(event, Diverged):
                path = run.diverged([part.records[i] for i in event.rows])
                note(f"the rows of that step are in {path}")
        watch(event)

    return notify


def dev_rows(model: nn.Module, task: Task, part: Part | None, *, token_budget: int) -> Dev | None:
    """The dev rows, for the loop to score; each process answers a share of them."""
    if part is None:
        return None
    device = next(model.parameters()).device
    ranks = Ranks.here() if len(part.rows) >= Ranks.here().count else ALONE

    def score() -> Mapping[str, Any]:
        give_back_freed_memory()  # by steps, whose holes are no good to other sizes
        mine = ranks.deal(part.records), ranks.deal(part.rows)
        answers = answer_rows(task, model, *mine, token_budget=token_budget, device=device)
        scores = task.scores(intervals=False)
        scores.add(part.records, part.rows, ranks.collect(answers))
        return scores.result()

    return Dev(part.rows, score, partial(is_better, task))


@dataclass(frozen=True)
class Share:
    """All that another process needs to train along.

    Attributes:
        model: before training, on the CPU.
        task: what it learns.
        taught: what it is trained on to that end: the task itself, as a rule.
        training: the training rows.
        dev: the dev rows, if there are any.
        config: how it is trained.
        dtype: what it computes in.
        device: of the first process.
        checkpoints: where the run is saved, if it is.
        until: the step after which it ends, see `Run`.
    """

    model: nn.Module
    task: Task
    taught: Learnable[Any]
    training: Part
    dev: Part | None
    config: TrainingConfig
    dtype: torch.dtype
    device: torch.device
    checkpoints: Path | None
    until: int | None = None


def learn(share: Share, spread: SpreadConfig, notify: Notify) -> History:
    """Train a model, which has the best weights at the end, with all that have a share in it.

    Raises:
        GlossatorError: a loss is no number, memory does not suffice, or a process was lost.
    """
    if spread.ray is not None:
        return _learn_on_ray(share, spread, notify)
    with together(spread.processes, train_along, share):
        return _train(share.model, share, notify)


def _learn_on_ray(share: Share, spread: SpreadConfig, notify: Notify) -> History:
    """Train on a cluster, and give the model the weights that come back."""
    assert spread.ray is not None
    with tempfile.TemporaryDirectory(prefix="glossator-") as scratch:
        folder = share.checkpoints or Path(scratch, "checkpoints")
        trained = on_cluster(
            spread.ray,
            spread.workers,
            train_along,
            [dataclasses.replace(share, checkpoints=folder)],
            folder=folder.parent,
            notify=notify,
        )
    share.model.load_state_dict(trained.weights)
    return cast(History, trained.history)


def _train(model: nn.Module, share: Share, notify: Notify) -> History:
    """Train the model that this process has of it."""
    config, folder = pace_of(share.taught, share.config), share.checkpoints
    # Until it has a head there is nothing to score, and the last weights are kept.
    dev = None if isinstance(share.taught, Concluding) else share.dev
    run = Run(
        model,
        share.taught,
        share.training.rows,
        config,
        share.dtype,
        dev_rows(model, share.task, dev, token_budget=config.tokens_at_once),
        notify,
        None if folder is None else Checkpoints(folder, keep=config.keep_checkpoints),
    )
    run.until = share.until
    return carry_out(run)


def train_along(rank: int, share: Share, notify: Notify = lambda _: None) -> Trained:
    """Train with the other processes, of which the first alone writes checkpoints."""
    model = share.model.to(device_of(rank, share.device))
    history = _train(model, share, notify)
    weights = {name: x.detach().cpu() for name, x in model.state_dict().items()}
    return Trained(history, weights)


@dataclass(frozen=True)
class Trained:
    """What training elsewhere came to.

    Attributes:
        history: what happened.
        weights: the best, by name.
    """

    history: History
    weights: Mapping[str, torch.Tensor]
