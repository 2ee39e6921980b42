"""How long a second training is, and how both share the time there is."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from glossator.artifact.wording import duration
from glossator.training.config import TrainingConfig
from glossator.training.loop import History

__all__ = ["Course", "time_left", "time_shared"]

# Of a time limit; the rest is for what a machine takes longer than it took before.
_PLANNED = 0.9


@dataclass(frozen=True)
class Course:
    """How a model is trained once more, from more rows: as many passes over them.

    Attributes:
        steps: after which it ends, as the first training had its best step.
        planned: that its rates are laid out for.
        seconds: that it will take, by those of the first.
        left: seconds of the time limit; infinite without one.
    """

    steps: int
    planned: int
    seconds: float
    left: float

    @classmethod
    def after(cls, first: History, config: TrainingConfig, rows: int, more: int) -> Self:
        """That which follows a training.

        Args:
            first: what happened in it.
            config: how it was made.
            rows: it learned from.
            more: rows to learn from now.
        """
        longer = math.ceil(more / config.batch_size) / math.ceil(rows / config.batch_size)
        taken = len(first.steps)
        planned = taken if first.ended_by == "time" else first.planned  # it fell to zero by then
        steps = max(1, round(longer * first.best_step))
        return cls(
            steps=steps,
            planned=max(steps, round(longer * planned)),
            seconds=steps * first.seconds / taken,
            left=config.seconds - first.spent,
        )

    @property
    def too_long(self) -> str:
        """Why there is no time for it; empty where there is."""
        if self.left >= max(1.0, self.seconds):
            return ""
        left, seconds = duration(max(0.0, self.left)), duration(self.seconds)
        return f"--time-limit leaves {left}, and it takes about {seconds}"

    def config(self, first: TrainingConfig) -> TrainingConfig:
        """How it is made, where the first was made as `first` says."""
        limit = None if self.left == math.inf else f"{int(self.left)}s"
        return dataclasses.replace(first, max_steps=self.planned, time_limit=limit)


def time_left(config: TrainingConfig, taken: float) -> TrainingConfig:
    """A training whose time limit has so many seconds less."""
    if config.time_limit is None:
        return config
    return dataclasses.replace(config, time_limit=f"{max(1, int(config.seconds - taken))}s")


def time_shared(config: TrainingConfig, rows: int, more: int) -> TrainingConfig:
    """The first of two trainings, with its share of the time limit.

    Args:
        config: of both.
        rows: that the first learns from.
        more: that the second does.
    """
    if config.time_limit is None:
        return config
    seconds = _PLANNED * config.seconds * rows / (rows + more)
    return dataclasses.replace(config, time_limit=f"{max(1, int(seconds))}s")
