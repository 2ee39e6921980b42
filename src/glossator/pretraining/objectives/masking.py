"""Which tokens are hidden, and what stands in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glossator.pretraining.rows import SPECIAL, WORD

__all__ = ["Hiding", "MaskUnit", "choose", "hide", "ordinary_ids"]

MaskUnit = Literal["token", "word", "span"]
Marks = NDArray[np.uint8]

# Chances of spans of 1 to 10 words, 3.8 in the mean (Joshi et al. 2020, section 3.1).
_LENGTHS = 0.8 ** np.arange(10) / np.sum(0.8 ** np.arange(10))


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """What stands in the place of a hidden token.

    Attributes:
        mask: id of the mask token.
        ordinary: (n,) ids that a random one is drawn from.
        masked: share that becomes the mask token.
        random: share that becomes a random token; the rest stays as it is.

    Source: Devlin et al. 2018, "BERT", section 3.1.
    """

    mask: int
    ordinary: NDArray[np.int32]
    masked: float = 0.8
    random: float = 0.1


def choose(
    marks: Marks, rate: float, unit: MaskUnit, random: np.random.Generator
) -> NDArray[np.bool_]:
    """(T,) which tokens are to be predicted; at least one, if any token is no special one.

    Args:
        marks: (T,) of the tokens.
        rate: expected share of tokens, above 0 and below 1.
        unit: what is chosen as a whole: tokens, words (Cui et al. 2021, "Pre-training with whole
            word masking for Chinese BERT"), or spans of words (Joshi et al. 2020, "SpanBERT").
        random: draws.
    """
    special = (marks & SPECIAL) > 0
    begins = np.ones(len(marks), bool)
    if unit != "token":
        begins = ((marks & WORD) > 0) | special
        begins[1:] |= special[:-1]  # a piece may begin inside a word
        begins[:1] = True
    units = np.cumsum(begins) - 1  # (T,) number of each token's unit
    walls = special[begins]  # (units,)
    chosen = _spans(walls, rate, random) if unit == "span" else random.random(len(walls)) < rate
    mask: NDArray[np.bool_] = chosen[units] & ~special
    if not mask.any() and not special.all():
        mask = (units == units[random.choice(np.flatnonzero(~special))]) & ~special
    return mask


def hide(
    tokens: NDArray[np.int64], mask: NDArray[np.bool_], how: Hiding, random: np.random.Generator
) -> NDArray[np.int64]:
    """(T,) the tokens with those of the mask hidden."""
    hidden = tokens.copy()
    at = np.flatnonzero(mask)
    draws = random.random(len(at))
    hidden[at[draws < how.masked]] = how.mask
    other = at[(draws >= how.masked) & (draws < how.masked + how.random)]
    hidden[other] = random.choice(how.ordinary, len(other))
    return hidden


def _spans(walls: NDArray[np.bool_], rate: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """(units,) which are covered by spans that end before a wall."""
    count = len(walls)
    starts = np.flatnonzero((random.random(count) < _start_rate(rate)) & ~walls)
    lengths = random.choice(len(_LENGTHS), len(starts), p=_LENGTHS) + 1
    ahead = np.append(np.flatnonzero(walls), count)
    stops = np.minimum(starts + lengths, ahead[np.searchsorted(ahead, starts)])
    depth = np.zeros(count + 1, np.int64)
    np.add.at(depth, starts, 1)
    np.add.at(depth, stops, -1)
    covered: NDArray[np.bool_] = np.cumsum(depth[:-1]) > 0
    return covered


def _start_rate(rate: float) -> float:
    """How many units must begin a span so that the share `rate` is covered, spans overlapping.

    A unit stays bare if none of the `k` before it began a span longer than `k`.
    """
    longer = np.cumsum(_LENGTHS[::-1])[::-1]  # P(length > k)
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        covered = 1 - float(np.prod(1 - middle * longer))
        low, high = (middle, high) if covered < rate else (low, middle)
    return low


def ordinary_ids(size: int, special: Sequence[int]) -> NDArray[np.int32]:
    """The ids of a vocabulary without its special ones."""
    return np.setdiff1d(np.arange(size, dtype=np.int32), np.asarray(special, np.int32))
