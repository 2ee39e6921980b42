"""Learning rates over time, as plain functions."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "learning_rate"]

# The factor of the peak, by the share of the falling steps that is left.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda left: 1.0,
    "cosine": lambda left: (1 - math.cos(math.pi * left)) / 2,
    "linear": lambda left: left,
}


def learning_rate(step: int, *, steps: int, peak: float, warmup: float, schedule: str) -> float:
    """The rate of a step: up to `peak` in a straight line, then down to zero.

    Args:
        step: from 0 to `steps` - 1.
        steps: of the whole run.
        peak: the highest rate.
        warmup: share of the steps in which the rate rises, from 0 to below 1.
        schedule: a name in `SCHEDULES`.
    """
    rising = math.ceil(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    return peak * SCHEDULES[schedule]((steps - step) / max(1, steps - rising))
