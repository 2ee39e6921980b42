"""How a model is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError

__all__ = ["TrainingConfig"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained. The defaults were measured: see `benchmarks/notes.md`.

    Attributes:
        epochs: passes over the training rows.
        learning_rate: its highest value; None chooses by the model's width.
        batch_size: rows of one step.
        token_budget: tokens that go through the model at once. A step with more is computed in
            parts whose gradients add up to the same.
        warmup: share of the steps in which the rate rises.
        schedule: how the rate falls to zero after that.
        weight_decay: of matrices; biases and norms have none.
        layer_decay: the rate of each block is that of the one above times this.
        clip_norm: a longer gradient is shortened to it.
        label_smoothing: share of a label's mass that is spread over all labels.
        focal_gamma: above 0, rows that are already right count less.
        class_weights: `auto` lets each class weigh alike, however rare.
        patience: evaluations without a better dev score after which training ends.
        seed: of all that is random.
    """

    epochs: int = 5
    learning_rate: float | None = None
    batch_size: int = 32
    token_budget: int = 8192
    warmup: float = 0.1
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: Literal["none", "auto"] = "none"
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        rate = self.learning_rate
        _check("epochs", self.epochs >= 1, self.epochs, "1 or more")
        _check("learning-rate", rate is None or 0 < rate < 1, rate, "between 0 and 1")
        _check("batch-size", self.batch_size >= 1, self.batch_size, "1 or more")
        _check("token-budget", self.token_budget >= 1, self.token_budget, "1 or more")
        _check("warmup", 0 <= self.warmup < 1, self.warmup, "from 0 to below 1")
        _check("weight-decay", 0 <= self.weight_decay < 1, self.weight_decay, "from 0 to below 1")
        _check("layer-decay", 0 < self.layer_decay <= 1, self.layer_decay, "above 0, at most 1")
        _check("clip-norm", self.clip_norm > 0, self.clip_norm, "above 0")
        smoothing = self.label_smoothing
        _check("label-smoothing", 0 <= smoothing < 1, smoothing, "from 0 to below 1")
        _check("focal-gamma", self.focal_gamma >= 0, self.focal_gamma, "0 or more")
        _check("patience", self.patience >= 1, self.patience, "1 or more")
        _check("seed", 0 <= self.seed < 2**63, self.seed, "from 0 to below 2^63")
        if self.focal_gamma and self.label_smoothing:
            raise ConfigError("--focal-gamma and --label-smoothing exclude each other")


def _check(name: str, right: bool, got: object, expected: str) -> None:
    if not right:
        raise ConfigError(f"--{name} must be {expected}, got {got}")
