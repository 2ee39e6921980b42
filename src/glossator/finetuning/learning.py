"""What a run minimizes, and the rows by which it chooses the best step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glossator.finetuning.parts import Part
from glossator.models.heads import SequenceClassifier
from glossator.tasks.answers import answer_rows
from glossator.tasks.losses import balanced_weights
from glossator.tasks.text_classification import Objective, TextClassification
from glossator.training.config import TrainingConfig
from glossator.training.loop import Dev

__all__ = ["better", "dev_rows", "objective"]


def objective(config: TrainingConfig, targets: NDArray[np.int64], classes: int) -> Objective:
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
    model: SequenceClassifier, task: TextClassification, part: Part, *, token_budget: int
) -> Dev:
    """The dev rows, for the loop to score."""
    device = next(model.parameters()).device

    def score() -> Mapping[str, Any]:
        logits = answer_rows(task, model, part.rows, token_budget=token_budget, device=device)
        return task.metrics(logits, part.targets)

    return Dev(part.rows, score, better)


def better(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """By accuracy; of equal ones, which small dev sets have many of, by the loss."""
    if new["accuracy"] != old["accuracy"]:
        return bool(new["accuracy"] > old["accuracy"])
    return bool(new["log_loss"] < old["log_loss"])
