"""The rows by which a run chooses the best step, and processes that train along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glossator.finetuning.parts import Part
from glossator.memory import give_back_freed_memory
from glossator.tasks.answers import answer_rows
from glossator.tasks.task import Task, is_better
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.dev import Dev
from glossator.training.distributed import ALONE, Ranks
from glossator.training.events import Notify
from glossator.training.loop import History, train
from glossator.training.processes import device_of

__all__ = ["Share", "Trained", "dev_rows", "train_along"]


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
        training: the training rows.
        dev: the dev rows, if there are any.
        config: how it is trained.
        dtype: what it computes in.
        device: of the first process.
        checkpoints: where the run is saved, if it is.
    """

    model: nn.Module
    task: Task
    training: Part
    dev: Part | None
    config: TrainingConfig
    dtype: torch.dtype
    device: torch.device
    checkpoints: Path | None


def train_along(rank: int, share: Share, notify: Notify = lambda _: None) -> Trained:
    """Train with the other processes, of which the first alone writes checkpoints."""
    model = share.model.to(device_of(rank, share.device))
    history = train(
        model,
        share.task,
        share.training.rows,
        share.config,
        dtype=share.dtype,
        dev=dev_rows(model, share.task, share.dev, token_budget=share.config.tokens_at_once),
        notify=notify,
        checkpoints=None
        if share.checkpoints is None
        else Checkpoints(share.checkpoints, keep=share.config.keep_checkpoints),
    )
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
