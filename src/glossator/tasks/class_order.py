"""An order of rows in which what is alike stands side by side, so that a step has some of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_twos"]


def by_twos(count: int, key: Callable[[int], int], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """(N,) the numbers of N rows, drawn anew each epoch, two of a class side by side.

    Of a class with an odd number of rows the last one stands alone.

    Args:
        count: N.
        key: the class of a row by its number.
        seed: of the run.
        epoch: from 0.
    """
    draw = np.random.default_rng([seed, epoch])
    by_class = sorted(draw.permutation(count).tolist(), key=key)
    classes = [list(found) for _, found in itertools.groupby(by_class, key)]
    pairs = [found[i : i + 2] for found in classes for i in range(0, len(found), 2)]
    return np.array([row for i in draw.permutation(len(pairs)) for row in pairs[i]], np.int64)
