"""For two classes: how probable the second one must be before it is the answer.

The answer is the second class where its probability is above the threshold, which at 0.5 is the
more probable of the two. A threshold chosen on dev rows for macro F1 pays where one class is rare;
it is only taken where the gain holds on rows that it was not chosen on (`choose_threshold`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.comparison import PairedDifference, paired_bootstrap

__all__ = [
    "BestThreshold",
    "ThresholdChoice",
    "ThresholdCounts",
    "ThresholdCurve",
    "best_threshold",
    "choose_threshold",
    "decide",
    "threshold_curve",
]

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

METRICS = ("accuracy", "f1", "macro_f1")
_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class BestThreshold:
    """A threshold between 0 and 1, and the score that it has on the rows it was chosen on."""

    threshold: float
    score: float


@dataclass(frozen=True, kw_only=True)
class ThresholdChoice:
    """The threshold to use, and why.

    Args:
        threshold: the best one, or 0.5 where its gain may be luck.
        best: the best one on all rows.
        gain: macro F1 at 0.5 (a) against that of thresholds chosen on other rows (b).
    """

    threshold: float
    best: BestThreshold
    gain: PairedDifference


@dataclass(frozen=True)
class ThresholdCurve:
    """Precision, recall and F1 `(P,)` of the second class at thresholds `(P,)`."""

    threshold: Values
    precision: Values
    recall: Values
    f1: Values


def decide(probabilities: NDArray[np.floating[Any]], threshold: float | None = None) -> Counts:
    """The answers `(N,)` to probabilities `(N, C)`: the most probable class.

    Args:
        probabilities: `(N, C)`.
        threshold: with two classes, the second is the answer where it is above this.
    """
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1), np.int64)
    return (probabilities[:, 1] > threshold).astype(np.int64)


def best_threshold(
    positive: ArrayLike, gold: ArrayLike, *, metric: str = "macro_f1"
) -> BestThreshold:
    """The threshold with the highest score; of equal ones the nearest to 0.5.

    Args:
        positive: `(N,)` probability of the second class.
        gold: `(N,)` class indices 0 and 1.
        metric: `accuracy`, `f1` (of the second class) or `macro_f1`.

    Raises:
        InputError: another metric.
    """
    if metric not in METRICS:
        raise InputError(f"metric is '{metric}'; expected one of: {', '.join(METRICS)}")
    scores, right = np.asarray(positive, np.float64), np.asarray(gold, np.int64)
    candidates = _candidates(scores)
    values = _score(*_counts(candidates, scores, right), metric)
    best = values.max()
    tied = candidates[values >= best - 1e-12]
    nearest = tied[np.abs(tied - 0.5).argmin()]
    return BestThreshold(threshold=float(nearest), score=float(best))


def _candidates(scores: Values) -> Values:
    """0.5 and the middle of each gap between scores, in order."""
    levels = np.unique(scores)
    lower, upper = levels[:-1], levels[1:]
    middle = (lower + upper) / 2
    return np.unique(np.append(np.where(middle < upper, middle, lower), 0.5))


def _counts(thresholds: Values, scores: Values, gold: Counts) -> tuple[Counts, Counts, int, int]:
    """Rows of each class above each threshold `(P,)`, and rows of each class in all."""
    ones, zeros = np.sort(scores[gold == 1]), np.sort(scores[gold == 0])
    hits = len(ones) - np.searchsorted(ones, thresholds, side="right")
    false = len(zeros) - np.searchsorted(zeros, thresholds, side="right")
    return hits, false, len(ones), len(zeros)


def _score(hits: Counts, false: Counts, ones: int, zeros: int, metric: str) -> Values:
    f1_ones = 2 * hits / np.maximum(hits + false + ones, 1)
    right_zeros = zeros - false
    f1_zeros = 2 * right_zeros / np.maximum(right_zeros + (ones - hits) + zeros, 1)
    if metric == "accuracy":
        return np.asarray((hits + right_zeros) / max(1, ones + zeros), np.float64)
    return np.asarray(f1_ones if metric == "f1" else (f1_ones + f1_zeros) / 2, np.float64)


def choose_threshold(positive: ArrayLike, gold: ArrayLike, *, seed: int = 0) -> ThresholdChoice:
    """The threshold for macro F1 on dev rows, if it beats 0.5 by more than luck; else 0.5.

    A best threshold always looks better on the rows that chose it. So each fifth of the rows is
    answered with the threshold of the other four, and these answers must beat those at 0.5 with a
    paired bootstrap interval that lies above 0.

    Args:
        positive: `(N,)` calibrated probability of the second class.
        gold: `(N,)` class indices 0 and 1, N at least 1.
        seed: of the folds and of the bootstrap.
    """
    scores, right = np.asarray(positive, np.float64), np.asarray(gold, np.int64)
    best = best_threshold(scores, right)
    default = (scores > 0.5).astype(np.int64)
    gain = paired_bootstrap(
        right, default, _cross_fitted(scores, right, seed), metric="macro_f1", seed=seed
    )
    return ThresholdChoice(threshold=best.threshold if gain.low > 0 else 0.5, best=best, gain=gain)


def _cross_fitted(scores: Values, gold: Counts, seed: int) -> Counts:
    """Answers `(N,)`, each with the threshold that the other folds would choose."""
    fold = np.random.default_rng(seed).permutation(len(gold)) % _FOLDS
    answers = np.empty(len(gold), np.int64)
    for held in range(_FOLDS):
        inside = fold == held
        threshold = best_threshold(scores[~inside], gold[~inside]).threshold
        answers[inside] = scores[inside] > threshold
    return answers


def threshold_curve(positive: ArrayLike, gold: ArrayLike, *, points: int = 101) -> ThresholdCurve:
    """Precision, recall and F1 of the second class at `points` thresholds from 0 to 1.

    Args:
        positive: `(N,)` probability of the second class.
        gold: `(N,)` class indices 0 and 1.
    """
    counts = ThresholdCounts(points=points)
    counts.add(positive, gold)
    return counts.result()


class ThresholdCounts:
    """Adds up a `threshold_curve` batch by batch, in memory that does not grow with the rows.

    Args:
        points: thresholds from 0 to 1.

    Attributes:
        rows: added so far.
    """

    def __init__(self, *, points: int = 101):
        self.rows = 0
        self._thresholds = np.linspace(0, 1, points)
        self._hits = np.zeros(points, np.int64)
        self._false = np.zeros(points, np.int64)
        self._ones = self._zeros = 0

    def add(self, positive: ArrayLike, gold: ArrayLike) -> None:
        """Add probabilities of the second class `(n,)` and class indices `(n,)`, 0 and 1."""
        scores, right = np.asarray(positive, np.float64), np.asarray(gold, np.int64)
        hits, false, ones, zeros = _counts(self._thresholds, scores, right)
        self._hits += hits
        self._false += false
        self._ones += ones
        self._zeros += zeros
        self.rows += len(right)

    def result(self) -> ThresholdCurve:
        """The curve of all rows so far."""
        hits, false, ones = self._hits, self._false, self._ones
        predicted = hits + false
        # nothing predicted is nothing wrong: the convention that lets the curve end at precision 1
        precision = np.where(predicted > 0, hits / np.maximum(predicted, 1), 1.0)
        f1 = _score(hits, false, ones, self._zeros, "f1")
        return ThresholdCurve(self._thresholds, precision, hits / max(1, ones), f1)
