"""Recipes: how a task is learned, where there is more than one way."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, TypeAlias

from torch import nn

from glossator.errors import ConfigError
from glossator.finetuning.parts import Part
from glossator.tasks.learnable import Learnable
from glossator.tasks.task import Concluding, Contrasting, Task
from glossator.training.config import TrainingConfig

__all__ = ["RECIPES", "RecipeName", "concluded", "pace_of", "taught_by", "without_effect"]

RecipeName: TypeAlias = Literal["plain", "contrastive"]
RECIPES: tuple[RecipeName, ...] = ("plain", "contrastive")
"""The usual one first, which is taken where both are as good."""


def taught_by(recipe: str, task: Task) -> Learnable[Any]:
    """What the loop trains a model on.

    Args:
        recipe: one of `RECIPES`; `auto` that was not measured is `plain`.
        task: what is to be learned in the end.

    Raises:
        ConfigError: the task cannot be learned so.
    """
    if recipe in ("auto", "plain"):
        return task
    if not isinstance(task, Contrasting):
        raise ConfigError(
            f"--recipe {recipe} is for texts that have one label each, which it draws together; "
            f"this is {task.name} of another kind, expected --recipe plain"
        )
    return task.contrasted()


def pace_of(taught: Learnable[Any], config: TrainingConfig) -> TrainingConfig:
    """How it is trained, where the task itself would be as `config` says; its rate is a number."""
    if not isinstance(taught, Concluding):
        return config
    assert isinstance(config.learning_rate, float)
    return dataclasses.replace(config, learning_rate=taught.rate_share * config.learning_rate)


def without_effect(taught: Learnable[Any]) -> str:
    """What is said of options that do nothing to it; empty where there are none."""
    if not isinstance(taught, Concluding) or not taught.unused:
        return ""
    return f"{' and '.join(taught.unused)} has no effect with the recipe contrastive"


def concluded(
    taught: Learnable[Any], model: nn.Module, training: Part, *, token_budget: int
) -> nn.Module:
    """The model that answers, once it was trained on `training`."""
    if not isinstance(taught, Concluding):
        return model
    return taught.concluded(model, training.records, training.rows, token_budget=token_budget)
