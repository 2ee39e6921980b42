"""Intervals of shares, also where every row or none is right."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["unless_degenerate", "wilson_interval"]


def wilson_interval(share: float, trials: float, *, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion, which has a width at 0 and at 1 too.

    Args:
        share: of the trials that came off, from 0 to 1.
        trials: how many there were, above 0.
        level: how often such an interval holds the true share.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference";
    recommended for few trials by Brown, Cai and DasGupta 2001, "Interval estimation for a binomial
    proportion".
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low, high = (center - half) / (1 + z * z / trials), (center + half) / (1 + z * z / trials)
    return (0.0 if share == 0 else float(low)), (1.0 if share == 1 else float(high))


def unless_degenerate(interval: Sequence[float], trials: ArrayLike) -> list[float]:
    """A bootstrap interval; where it has no width, as at 0% and 100%, Wilson's in its place.

    Rows that are all alike are so in every resample, and the bootstrap knows of no others.

    Args:
        interval: low and high.
        trials: what the share is taken of, such as a number of rows; of a mean over classes
            `(C,)` those of each, whose limits are averaged too, which is on the safe side.
    """
    low, high = interval
    counts = np.atleast_1d(np.asarray(trials, np.float64))
    counts = counts[counts > 0]
    if low != high or not len(counts):
        return [float(low), float(high)]
    limits = np.array([wilson_interval(float(low), float(count)) for count in counts])
    return [float(x) for x in limits.mean(axis=0)]
