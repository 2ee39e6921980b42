"""From the logits of windows to the most probable answers of a context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from glossator.tasks.learnable import Encoded, Example

__all__ = ["Logits", "Ranked", "combined"]

Values = NDArray[np.float64]

Logits = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Of a window (S,) as the first token and (E,) as the last, the null place first in each."""

# Of a row so many stretches are kept one by one. What is less probable is one number.
_KEPT = 64


@dataclass(frozen=True)
class Ranked:
    """The stretches of a context by their scores, the best first.

    A score is the log of how much more probable a stretch is than that its window has no answer.

    Args:
        table: (K + 1, 3) of each stretch its half-open characters and its score; the first row has
            as its score the log of the sum over all that are not listed.
    """

    table: Values

    @property
    def places(self) -> list[tuple[int, int]]:
        """Half-open characters of each stretch."""
        return [(int(a), int(b)) for a, b in self.table[1:, :2].tolist()]

    @property
    def best(self) -> float:
        """The highest score, -inf where there is nothing to choose from."""
        return float(self.table[1, 2]) if len(self.table) > 1 else -np.inf

    def probabilities(self, temperature: float, *, nullable: bool) -> Values:
        """(K + 1,) of no answer, which is 0 unless `nullable`, and of each stretch.

        Where the temperature is 1 they are exact; else what is not listed counts as one stretch.
        """
        scores = np.append(self.table[1:, 2], self.table[0, 2]) / temperature
        scores = np.append(0.0 if nullable else -np.inf, scores)
        top = scores.max()
        powers = np.exp(scores - top) if np.isfinite(top) else np.zeros_like(scores)
        shares = powers / max(powers.sum(), np.finfo(np.float64).tiny)
        return np.asarray(shares[:-1], np.float64)


def combined(row: Encoded, answers: Sequence[Logits], longest: int) -> Values:
    """The table of `Ranked` for a row, each stretch read off one window alone.

    Of the windows that hold a stretch that one counts in whose middle it stands best, where most
    of what is around it is seen.

    Args:
        row: with the offsets of the context's tokens.
        answers: of its windows.
        longest: tokens of a stretch at most.
    """
    assert row.offsets is not None
    found, rests = [], [-np.inf]
    for example, logits, owned in zip(row, answers, _owned(row), strict=True):
        ranked, rest = _best(_band(example, logits, longest, owned), example.span[0])
        found.append(ranked)
        rests.append(rest)
    every = np.concatenate(found)
    every = every[np.lexsort((every[:, 1], every[:, 0], -every[:, 2]))]
    kept, left = every[:_KEPT], every[_KEPT:]
    table = np.zeros((len(kept) + 1, 3))
    table[0, 2] = np.logaddexp.reduce([*rests, *left[:, 2]])
    if len(kept):
        first, last = kept[:, :2].astype(np.int64).T
        table[1:] = np.stack([row.offsets[first, 0], row.offsets[last, 1], kept[:, 2]], axis=1)
    return table


def _owned(row: Encoded) -> Iterator[tuple[float, float]]:
    """For each window the sums of first and last token, above and up to, that are nearest to it."""
    middles = [a + b - 1 for a, b in (example.span for example in row)]
    edges = [-np.inf, *((one + other) / 2 for one, other in pairwise(middles)), np.inf]
    yield from pairwise(edges)


def _band(example: Example, logits: Logits, longest: int, owned: tuple[float, float]) -> Values:
    """(n, L) scores by first token and how many follow; -inf where there can be no answer."""
    (a, b), (starts, ends, goal) = example.span, example.arrays
    width = max(1, min(longest, b - a))
    begins, stops = np.full(b - a, -np.inf), np.full(b - a + width - 1, -np.inf)
    for side, places, values in ((begins, starts, logits[0]), (stops, ends, logits[1])):
        scores = values.astype(np.float64)
        side[places[1:] - goal[0]] = scores[1:] - scores[0]
    if b == a:
        return np.empty((0, width))
    band: Values = begins[:, None] + sliding_window_view(stops, width)
    sums = 2 * np.arange(a, b)[:, None] + np.arange(width)
    band[(sums <= owned[0]) | (sums > owned[1])] = -np.inf
    return band


def _best(band: Values, shift: int) -> tuple[Values, float]:
    """(K, 3) first token, last token and score of the best, and the log of the sum of the rest."""
    flat = band.ravel()
    count = min(_KEPT, int(np.isfinite(flat).sum()))
    best = np.argpartition(-flat, count - 1)[:count] if count else np.empty(0, np.int64)
    first, more = np.unravel_index(best, band.shape)
    found = np.stack([first + shift, first + more + shift, flat[best]], axis=1)
    flat[best] = -np.inf
    top = flat.max(initial=-np.inf)
    rest = top + np.log(np.exp(flat - top).sum()) if np.isfinite(top) else -np.inf
    return found, float(rest)
