"""How often the rows of each task come in an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["epoch_counts", "epoch_rows"]

_MIX = 0  # places of the seed: the order of all, and above it the passes of each task


def epoch_counts(sizes: Sequence[int], temperature: float) -> NDArray[np.int64]:
    """(M,) rows of each task in an epoch, which has as many as all tasks together.

    The share of a task of `n` rows is proportional to `n ** (1 / temperature)`: 1 leaves the rows
    as they come, and an infinite one would have as many of each task.

    Args:
        sizes: (M,) rows of each task, each above 0.
        temperature: 1 or more.

    Source: Devlin 2019, "Multilingual BERT" (exponential smoothing); Arivazhagan et al. 2019,
    "Massively multilingual neural machine translation in the wild", section 4.2.
    """
    rows = np.array(sizes, np.float64)
    weights = (rows / rows.max()) ** (1 / temperature)
    wanted = rows.sum() * weights / weights.sum()
    counts = np.floor(wanted).astype(np.int64)
    left = int(rows.sum()) - int(counts.sum())
    counts[np.argsort(counts - wanted, kind="stable")[:left]] += 1
    found: NDArray[np.int64] = counts
    return found


def epoch_rows(
    tasks: NDArray[np.int64], temperature: float, seed: int, epoch: int
) -> NDArray[np.int64]:
    """(N,) the numbers of the rows of an epoch, in the order in which they are learned.

    Each task goes through all of its rows, in an order that is drawn anew each time, before one
    comes again; where an epoch ends in the midst of it, the next one goes on.

    Args:
        tasks: (N,) the number of the task of each row, from 0, none left out.
        temperature: see `epoch_counts`.
        seed: of the run.
        epoch: from 0.
    """
    own = [np.flatnonzero(tasks == task) for task in range(int(tasks.max()) + 1)]
    counts = epoch_counts([len(rows) for rows in own], temperature)
    drawn = [
        rows[_places(len(rows), epoch * int(count), int(count), (seed, task + 1))]
        for task, (rows, count) in enumerate(zip(own, counts, strict=True))
    ]
    return _generator(seed, _MIX, epoch).permutation(np.concatenate(drawn))


def _places(size: int, start: int, count: int, seed: tuple[int, int]) -> NDArray[np.int64]:
    """(count,) places `start` and on of shuffled passes over `size` things, one after another."""
    first, last = start // size, (start + count - 1) // size
    passes = [_generator(*seed, number).permutation(size) for number in range(first, last + 1)]
    found = np.concatenate(passes) if passes else np.empty(0, np.int64)
    return found[start - first * size :][:count]


def _generator(*place: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(place)))
