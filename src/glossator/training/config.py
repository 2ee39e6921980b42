"""How a model is trained."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError

__all__ = ["SpreadConfig", "TrainingConfig", "seconds_of"]


_TOKENS_AT_ONCE = 8192


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained. The defaults were measured: see `benchmarks/notes.md`.

    Attributes:
        epochs: passes over the training rows.
        max_steps: optimizer steps; None counts epochs.
        evaluation_steps: steps between looks at the dev rows; None is once an epoch.
        learning_rate: its highest value; `auto` tries rates on the rows in a few steps first, None
            chooses by the optimizer and the model's width.
        batch_size: rows of one step.
        token_budget: tokens that go through the model at once. A step with more is computed in
            parts whose gradients add up to the same. None is 8,192; where a table is learned from
            on a processor 2,048, which takes a third of the memory and no more time.
        activation_checkpointing: compute the activations of a block again in the backward pass;
            the same result in less memory and more time.
        warmup: share of the steps in which the rate rises.
        schedule: how the rate falls to zero after that.
        weight_decay: of matrices; biases and norms have none.
        layer_decay: the rate of each block is that of the one above times this.
        position_rate: the rate of a table of positions is that of its layer times this; None is 1,
            and a thirtieth for a new language model whose heads begin by looking at neighbours.
        clip_norm: a longer gradient is shortened to it.
        optimizer: what turns gradients into steps. adafactor remembers little, and its rates are
            relative; sgd has a momentum of 0.9.
        ema: above 0, answers come from a running mean of the weights, of which each step keeps
            this share.
        time_limit: how long training may take, `30m` or `1h30m`, evaluations included; the
            learning rate then falls so that it ends in time.
        checkpoint_steps: steps between checkpoints, from which `--resume` goes on.
        keep_checkpoints: how many of the last stay, besides the best.
        patience: evaluations without a better dev score after which training ends.
        seed: of all that is random.
    """

    epochs: int = 5
    max_steps: int | None = None
    evaluation_steps: int | None = None
    learning_rate: float | Literal["auto"] | None = None
    batch_size: int = 32
    token_budget: int | None = None
    activation_checkpointing: bool = False
    warmup: float = 0.1
    schedule: Literal[
        "linear", "cosine", "constant", "inverse-square-root", "warmup-stable-decay"
    ] = "linear"
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    position_rate: float | None = None
    clip_norm: float = 1.0
    optimizer: Literal["adamw", "adafactor", "sgd"] = "adamw"
    ema: float = 0.0
    time_limit: str | None = None
    checkpoint_steps: int = 100
    keep_checkpoints: int = 2
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        rate = self.learning_rate
        _check("epochs", self.epochs >= 1, self.epochs, "1 or more")
        right = rate in (None, "auto") or (isinstance(rate, float) and 0 < rate < 1)
        _check("learning-rate", right, rate, "between 0 and 1, or auto")
        for name in ("max_steps", "evaluation_steps", "token_budget"):
            count = getattr(self, name)
            _check(name.replace("_", "-"), count is None or count >= 1, count, "1 or more")
        _check("batch-size", self.batch_size >= 1, self.batch_size, "1 or more")
        _check("warmup", 0 <= self.warmup < 1, self.warmup, "from 0 to below 1")
        _check("weight-decay", 0 <= self.weight_decay < 1, self.weight_decay, "from 0 to below 1")
        _check("layer-decay", 0 < self.layer_decay <= 1, self.layer_decay, "above 0, at most 1")
        position = self.position_rate
        right = position is None or 0 <= position <= 1
        _check("position-rate", right, position, "from 0 to 1")
        _check("clip-norm", self.clip_norm > 0, self.clip_norm, "above 0")
        _check("ema", 0 <= self.ema < 1, self.ema, "from 0 to below 1")
        _check("checkpoint-steps", self.checkpoint_steps >= 1, self.checkpoint_steps, "1 or more")
        _check("keep-checkpoints", self.keep_checkpoints >= 1, self.keep_checkpoints, "1 or more")
        _check("patience", self.patience >= 1, self.patience, "1 or more")
        _check("seed", 0 <= self.seed < 2**63, self.seed, "from 0 to below 2^63")
        _ = self.seconds

    @property
    def tokens_at_once(self) -> int:
        """The token budget, also where none was chosen."""
        return self.token_budget or _TOKENS_AT_ONCE

    @property
    def seconds(self) -> float:
        """The time limit; infinite where there is none."""
        return math.inf if self.time_limit is None else seconds_of(self.time_limit)


@dataclass(frozen=True, kw_only=True)
class SpreadConfig:
    """Where training is spread over.

    Attributes:
        processes: of this machine that train together, each with a share of every batch: one GPU
            each where there are several, else a share of the processor's threads each.
        ray: address of a Ray cluster to train on, or `local` for one on this machine.
        workers: of the cluster that train together.
    """

    processes: int = 1
    ray: str | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        _check("workers", self.workers >= 1, self.workers, "1 or more")
        if self.ray is None and self.workers > 1:
            raise ConfigError("--workers asks for --ray ADDRESS or --ray local")
        if self.ray is not None and self.processes > 1:
            raise ConfigError(
                "--ray and --processes exclude each other; --workers spreads over Ray"
            )
        _check("processes", self.processes >= 1, self.processes, "1 or more")


def seconds_of(text: str) -> float:
    """The seconds of `90s`, `30m`, `1h30m` or `2d`.

    Raises:
        ConfigError: it is no such time, or none at all.
    """
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip().lower())
    days, hours, minutes, seconds = (int(x or 0) for x in (found.groups() if found else (0,) * 4))
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    _check("time-limit", total > 0, repr(text), "a time such as 90s, 30m, 1h30m or 2d")
    return float(total)


def _check(name: str, right: bool, got: object, expected: str) -> None:
    if not right:
        raise ConfigError(f"--{name} must be {expected}, got {got}")
