"""What the loop tells while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Diverged",
    "Ended",
    "Evaluated",
    "Event",
    "Halved",
    "Notify",
    "Resumed",
    "Saved",
    "Started",
    "Stepped",
]


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins.

    Attributes:
        steps: optimizer steps to come.
        rows: training rows.
        tokens: of one epoch.
        seconds: that it may take; infinite without a limit.
    """

    steps: int
    rows: int
    tokens: int
    seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Stepped:
    """An optimizer step was taken.

    Attributes:
        step: from 1.
        epoch: passes over the data so far, a fraction.
        loss: mean over the step's rows.
        rate: the learning rate.
        norm: of the gradient, before it was shortened.
        rows: of all steps so far.
        tokens: of all steps so far.
        seconds: since training began, evaluations left out.
    """

    step: int
    epoch: float
    loss: float
    rate: float
    norm: float
    rows: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The dev rows were scored.

    Attributes:
        step: after which step.
        epoch: after how many passes over the data.
        scores: by name.
        best: whether they are the best so far.
    """

    step: int
    epoch: float
    scores: Mapping[str, Any]
    best: bool


@dataclass(frozen=True, slots=True)
class Halved:
    """Memory did not suffice; the token budget is half of what it was.

    Attributes:
        token_budget: the new one.
    """

    token_budget: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """Training goes on from a checkpoint; what was told of later steps is void.

    Attributes:
        step: the last one taken.
        differences: what is not as it was, so that the result will not be the same to the bit.
        damaged: newer checkpoints that could not be used, and why.
    """

    step: int
    differences: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint is on the disk, whole and synced.

    Attributes:
        step: after which step.
    """

    step: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Training is over, before all its steps were taken.

    Attributes:
        step: the last one.
        planned: how many there were to be.
        by: `time`, or `patience` where dev scores got no better.
    """

    step: int
    planned: int
    by: str


@dataclass(frozen=True, slots=True)
class Diverged:
    """A loss or a gradient is no number; the run ends.

    Attributes:
        step: which one.
        what: `loss` or `gradient`.
        value: what it was, as a word.
        rows: numbers of the training rows in the step.
    """

    step: int
    what: str
    value: str
    rows: tuple[int, ...]


Event: TypeAlias = Started | Stepped | Evaluated | Halved | Resumed | Saved | Ended | Diverged
Notify: TypeAlias = Callable[[Event], None]
