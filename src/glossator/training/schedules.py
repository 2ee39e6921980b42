"""Learning rates over time, as plain functions."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "learning_rate"]

# Warmup-stable-decay falls in the last fifth, the share at which Hu et al. 2024, "MiniCPM", section
# 4, found nothing lost against a cosine; by the root, as Hägele et al. 2024, "Scaling laws and
# compute-optimal training beyond fixed training durations", section 4, found best.
_DECAY = 0.2


def _inverse_square_root(step: int, steps: int, rising: int) -> float:
    return math.sqrt(max(rising, 1) / max(step, rising, 1))


def _warmup_stable_decay(step: int, steps: int, rising: int) -> float:
    left = (steps - step) / max(1.0, _DECAY * (steps - rising))
    return 1.0 if left >= 1 else 1 - math.sqrt(1 - left)


def _left(step: int, steps: int, rising: int) -> float:
    """The share of the falling steps that is left."""
    return (steps - step) / max(1, steps - rising)


# The factor of the peak after the rise, by step, steps of the run, and steps of the rise.
SCHEDULES: dict[str, Callable[[int, int, int], float]] = {
    "constant": lambda step, steps, rising: 1.0,
    "cosine": lambda *now: (1 - math.cos(math.pi * _left(*now))) / 2,
    "inverse-square-root": _inverse_square_root,
    "linear": _left,
    "warmup-stable-decay": _warmup_stable_decay,
}


def learning_rate(step: int, *, steps: int, peak: float, warmup: float, schedule: str) -> float:
    """The rate of a step: up to `peak` in a straight line, then as the schedule says.

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
    return peak * SCHEDULES[schedule](step, steps, rising)
