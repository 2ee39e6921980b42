"""Does a text belong to any of the classes at all: four rules, and which of them tells best.

A rule gives a row a number, the higher the less it looks like the rows that a model was taught.

- softmax: the probability that the likeliest class lacks (Hendrycks & Gimpel, 2017);
- energy: minus the log of the summed powers of the logits (Liu, Wang, Owens & Li, 2020);
- mahalanobis: how far the row's features lie from the nearest class, in units of how far rows lie
  from their own (Lee, Lee, Lee & Shin, 2018);
- neighbours: how far they point away from those of the k-th nearest taught row (Sun, Ming, Zhu &
  Li, 2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEEDS", "RULES", "Regions", "Rule", "cut_keeping", "scope_scores"]

Rule: TypeAlias = Literal["softmax", "energy", "mahalanobis", "neighbours"]
RULES: tuple[Rule, ...] = get_args(Rule)
Values: TypeAlias = NDArray[np.float32]

NEEDS: Mapping[Rule, tuple[str, ...]] = {
    "softmax": (),
    "energy": (),
    "mahalanobis": ("whitening", "means"),
    "neighbours": ("bank",),
}
"""The arrays of `Regions` that a rule asks for."""

# Rows of the bank: more are hardly any better, and each is kept in the folder.
_BANK = 10_000
_NEIGHBOURS = 10
# Share of the mean variance that is added to each, so that directions without any can be inverted.
_RIDGE = 1e-2
_AT_ONCE = 1024


def cut_keeping(inside: NDArray[np.floating[Any]], kept: float) -> float:
    """The number up to which at least the share `kept` of N rows that belong have theirs.

    It lies halfway to the next row, so that no row stands on it and rounding decides nothing.
    """
    order = np.sort(inside).astype(np.float64)
    count = max(1, math.ceil(round(kept * len(order), 9)))
    last = order[count - 1]
    above = order[count] if count < len(order) else 2 * last - order[0]
    return float((last + above) / 2)


def _nothing() -> Values:
    return np.zeros((0, 0), np.float32)


def _nobody() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Regions:
    """Where the rows of each of C classes lie, by features of width W.

    Attributes:
        whitening: (W, W) brings features to unit variance round their class.
        means: (C, W) of each class, whitened.
        bank: (M, W) features of taught rows, each of length 1.
        owners: (M,) the class of each.
    """

    whitening: Values = field(default_factory=_nothing)
    means: Values = field(default_factory=_nothing)
    bank: Values = field(default_factory=_nothing)
    owners: NDArray[np.int64] = field(default_factory=_nobody)

    @classmethod
    def fit(cls, features: Values, gold: NDArray[np.int64], classes: int) -> Regions:
        """The regions of taught rows.

        Args:
            features: `(N, W)`, N at least 1.
            gold: `(N,)` class indices from 0 to `classes` - 1.
            classes: C.
        """
        sums = np.zeros((classes, features.shape[1]))
        np.add.at(sums, gold, features)
        counts = np.bincount(gold, minlength=classes)
        means = sums / np.maximum(counts, 1)[:, None]
        around = features - means[gold]
        covariance = around.T @ around / len(features)
        ridge = _RIDGE * max(float(np.trace(covariance)) / len(covariance), 1e-12)
        lower = np.linalg.cholesky(np.linalg.inv(covariance + ridge * np.eye(len(covariance))))
        placed = means @ lower
        placed[counts == 0] = np.inf  # nothing lies near a class that has no rows
        kept = _spread(gold, counts)
        return cls(
            whitening=lower.astype(np.float32),
            means=placed.astype(np.float32),
            bank=_unit(features[kept]),
            owners=gold[kept],
        )


def scope_scores(
    rule: Rule,
    logits: Values,
    features: Values,
    regions: Regions,
    without: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """(N,) how little each row looks like the rows taught; comparable within a rule alone.

    Args:
        rule: which number.
        logits: `(N, C)`.
        features: `(N, W)` of the same rows.
        regions: of the rows taught.
        without: `(N,)` a class that is taken as not there, for each row; C must then be at least 2.
    """
    parts = [
        _RULES[rule](
            logits[at : at + _AT_ONCE],
            features[at : at + _AT_ONCE],
            regions,
            None if without is None else without[at : at + _AT_ONCE],
        )
        for at in range(0, len(logits), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _softmax(
    logits: Values, features: Values, regions: Regions, without: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    scores = _leave_out(logits, without)
    best = scores.max(axis=1)
    return np.asarray(1 - np.exp(best - _log_sum(scores)), np.float64)


def _energy(
    logits: Values, features: Values, regions: Regions, without: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    return -_log_sum(_leave_out(logits, without))


def _mahalanobis(
    logits: Values, features: Values, regions: Regions, without: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    placed = features.astype(np.float64) @ regions.whitening.astype(np.float64)
    there = np.isfinite(regions.means[:, 0])
    means = np.where(there[:, None], regions.means, 0).astype(np.float64)
    squared = (placed**2).sum(axis=1)[:, None] - 2 * placed @ means.T + (means**2).sum(axis=1)
    near = _leave_out(np.where(there, -squared, -np.inf), without)
    return np.asarray(np.sqrt(np.maximum(-near.max(axis=1), 0)), np.float64)


def _neighbours(
    logits: Values, features: Values, regions: Regions, without: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    alike = _unit(features) @ regions.bank.T
    if without is not None:
        alike[without[:, None] == regions.owners] = -1
    k = min(_NEIGHBOURS, alike.shape[1])
    return 1 - np.partition(alike, -k, axis=1)[:, -k].astype(np.float64)


_RULES = {
    "softmax": _softmax,
    "energy": _energy,
    "mahalanobis": _mahalanobis,
    "neighbours": _neighbours,
}


def _leave_out(scores: NDArray[Any], without: NDArray[np.int64] | None) -> NDArray[np.float64]:
    found = scores.astype(np.float64)
    if without is not None:
        found[np.arange(len(found)), without] = -np.inf
    return found


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    best = scores.max(axis=1, keepdims=True)
    return np.asarray(best[:, 0] + np.log(np.exp(scores - best).sum(axis=1)), np.float64)


def _unit(features: NDArray[Any]) -> Values:
    lengths = np.sqrt((features.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    return np.asarray(features / np.maximum(lengths, 1e-12), np.float32)


def _spread(gold: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which rows to keep: all, or the first of each class up to the same number."""
    share = max(1, _BANK // max(1, int((counts > 0).sum())))
    order = np.argsort(gold, kind="stable")
    begins = np.cumsum(counts) - counts
    place = np.arange(len(gold)) - begins[gold[order]]
    return np.sort(order[place < share])
