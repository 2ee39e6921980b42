"""What a run minimizes, and the rows by which it chooses the best step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.finetuning.config import LossConfig
from glossator.finetuning.parts import Part
from glossator.models.heads import SequenceClassifier
from glossator.tasks.answers import answer_rows
from glossator.tasks.losses import balanced_weights
from glossator.tasks.text_classification import Objective, TextClassification
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.distributed import ALONE, Ranks
from glossator.training.events import Notify
from glossator.training.loop import Dev, History, train
from glossator.training.processes import device_of

__all__ = ["Share", "Trained", "better", "dev_rows", "objective", "train_along"]


def objective(config: LossConfig, targets: NDArray[np.int64], classes: int) -> Objective:
    """The objective that a config asks for.

    Args:
        config: names smoothing, focus and class weights.
        targets: (N,) classes of the training rows, from which `auto` weights are taken.
        classes: how many there are.
    """
    counts = torch.from_numpy(np.bincount(targets, minlength=classes)).float()
    return Objective(
        label_smoothing=config.label_smoothing,
        focal_gamma=config.focal_gamma,
        class_weights=balanced_weights(counts) if config.class_weights == "auto" else None,
    )


def dev_rows(
    model: SequenceClassifier, task: TextClassification, part: Part | None, *, token_budget: int
) -> Dev | None:
    """The dev rows, for the loop to score; each process answers a share of them."""
    if part is None:
        return None
    device = next(model.parameters()).device
    ranks = Ranks.here() if len(part.rows) >= Ranks.here().count else ALONE

    def score() -> Mapping[str, Any]:
        mine = ranks.deal(part.rows)
        logits = answer_rows(task, model, mine, token_budget=token_budget, device=device)
        return task.metrics(ranks.collect(logits), part.targets)

    return Dev(part.rows, score, better)


def better(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """By accuracy; of equal ones, which small dev sets have many of, by the loss."""
    if new["accuracy"] != old["accuracy"]:
        return bool(new["accuracy"] > old["accuracy"])
    return bool(new["log_loss"] < old["log_loss"])


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

    model: SequenceClassifier
    task: TextClassification
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
        dev=dev_rows(model, share.task, share.dev, token_budget=share.config.token_budget),
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
