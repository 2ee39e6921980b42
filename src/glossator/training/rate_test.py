"""Which learning rate suits a model and its rows: a few steps at rates from tiny to ruinous."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from glossator.tasks.learnable import Learnable
from glossator.training.config import TrainingConfig
from glossator.training.events import Diverged, Event, Stepped
from glossator.training.loop import Run, carry_out
from glossator.training.rows import Row, Rows

__all__ = ["RateTest", "choose_rate", "rate_test"]

Values = NDArray[np.float64]

LOWEST, HIGHEST = 1e-6, 1e-1

# A twentieth of a decade a step is as fine as the choice can be; a quarter as coarse as it may be.
_MOST, _FEWEST = 100, 20
_SHARE_OF_RUN = 10

# Where the mean of some losses is so many times the lowest such mean, it does not come back.
_TOO_HIGH, _RECENT = 4, 5

# The losses of batches differ by more than what one step does to them, so that those of rates
# within a factor of two (0.3 decades, a standard deviation of the weights) are seen as one.
_REACH = 0.3

# Of the loss at first, the least that must have been won.
_LEAST_FALL = 0.01

# Warmup and hundreds of steps at the chosen rate go further than a few did in passing.
_MARGIN = 10


@dataclass(frozen=True, kw_only=True)
class RateTest:
    """What a learning-rate range test found.

    Attributes:
        rates: (S,) learning rates in the order of the steps, rising.
        losses: (S,) loss of the batch after the step with each rate.
        smoothed: (S,) the same without the noise of batches.
        steepest: the rate at which the loss fell fastest; None where it fell at none.
        rises: the rate from which the loss was higher than at first; None where it never was.
        chosen: the rate to train with; None where no rate let the loss fall.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float | None = None
    rises: float | None = None
    chosen: float | None = None


def rate_test(
    model: nn.Module,
    task: Learnable[Any],
    rows: Rows | Sequence[Row],
    config: TrainingConfig,
    *,
    dtype: torch.dtype,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> RateTest:
    """Train a copy of a model for a few steps at rising rates, and choose one by the losses.

    The rate rises from 1e-6 to 1e-1, by the same factor each step, over a tenth of the run's steps,
    but at least 20 and at most 100. Options and rows are those of the run, whose first steps these
    are but for the rate; so is the seed, and two tests on one machine find the same. It ends early
    where the loss is no number, or has become four times the lowest. The model stays as it is.

    Args:
        model: on the device to train on.
        task: what to learn.
        rows: the examples of each training row.
        config: of the run; its learning rate, time limit and average play no part.
        dtype: what to compute in.
        told: of the steps taken and the steps there are.

    Raises:
        GlossatorError: one text alone does not fit into memory.
        KeyboardInterrupt: it was interrupted.

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.
    """
    steps: list[Stepped] = []

    def listen(event: Event) -> None:
        if isinstance(event, Diverged):
            raise _Over
        if isinstance(event, Stepped):
            steps.append(event)
            told(event.step, run.steps)
            if _is_ruined([step.loss for step in steps]):
                raise _Over

    config = dataclasses.replace(config, time_limit=None, ema=0.0)
    run = _Rising(copy.deepcopy(model), task, rows, config, dtype, None, listen, None)
    run.steps = max(_FEWEST, min(_MOST, run.steps // _SHARE_OF_RUN))
    ruined = True
    with contextlib.suppress(_Over):
        if not carry_out(run).finished:
            raise KeyboardInterrupt
        ruined = False
    # The loss of a step was computed before its weights were changed.
    rates, losses = [step.rate for step in steps[:-1]], [step.loss for step in steps[1:]]
    return choose_rate(rates, losses, ruined=ruined)


def choose_rate(
    rates: Sequence[float], losses: Sequence[float], *, ruined: bool = False
) -> RateTest:
    """The rate at which losses fell fastest, or a tenth of that from which they rose, if lower.

    Losses are averaged over near rates, near by the logarithm, and the slope of the line through
    these says how fast they fall. None is chosen where they fall by no more than they scatter. What
    they were at first is their mean over the lowest tenfold of rates, which move next to nothing.

    Args:
        rates: (S,) rising.
        losses: (S,) of the batch after a step with each rate.
        ruined: whether the last of them ruined the model.

    Source: Nadaraya 1964, "On estimating regression", and Cleveland 1979, "Robust locally weighted
    regression and smoothing scatterplots", with Gaussian weights; for the scatter von Neumann et
    al. 1941, "The mean square successive difference".
    """
    if not rates or rates[-1] <= 10 * rates[0]:  # ruined before it began
        return RateTest(rates=tuple(rates), losses=tuple(losses), smoothed=tuple(losses))
    measured = np.asarray(losses, np.float64)
    smoothed, slopes = _smoothed(np.log10(rates), measured)
    still = int(np.sum(np.asarray(rates) <= 10 * rates[0]))
    first = float(measured[:still].mean())
    lowest = still + int(smoothed[still:].argmin())
    risen = np.flatnonzero(smoothed[lowest:] > first)
    rises = rates[lowest + int(risen[0])] if len(risen) else rates[-1] if ruined else None
    steepest = chosen = None
    scatter = float(np.sqrt(np.mean(np.diff(measured[: lowest + 1]) ** 2) / 2))
    if first - smoothed[lowest] > max(scatter, _LEAST_FALL * first):
        steepest = rates[still + int(slopes[still : lowest + 1].argmin())]
        chosen = float(f"{min(steepest, (rises or math.inf) / _MARGIN):.1e}")
    return RateTest(
        rates=tuple(rates),
        losses=tuple(losses),
        smoothed=tuple(smoothed.tolist()),
        steepest=steepest,
        rises=rises,
        chosen=chosen,
    )


class _Over(Exception):
    """The test has seen enough."""


class _Rising(Run):
    """A run whose rate rises all the time."""

    def rate(self) -> float:
        share = self.progress.step / (self.steps - 1)
        return float(LOWEST * (HIGHEST / LOWEST) ** share)


def _is_ruined(losses: Sequence[float]) -> bool:
    sums = np.cumsum([0.0, *losses])
    means = (sums[_RECENT:] - sums[:-_RECENT]) / _RECENT
    return len(losses) > _RECENT and bool(means[-1] > _TOO_HIGH * means.min())


def _smoothed(x: Values, y: Values) -> tuple[Values, Values]:
    """At each `x` (S,) the mean of near `y` (S,), and the slope of the line through them."""
    away = x - x[:, None]
    weights = np.exp(-0.5 * (away / _REACH) ** 2)
    ones, ups, squares = (np.sum(weights * away**power, axis=1) for power in (0, 1, 2))
    heights, tilts = weights @ y, (weights * away) @ y
    return heights / ones, (ones * tilts - ups * heights) / (ones * squares - ups**2)
