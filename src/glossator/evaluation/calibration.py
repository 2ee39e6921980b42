"""Are the probabilities true: temperature scaling, calibration error, reliability diagram.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError

__all__ = [
    "Reliability",
    "ReliabilityCounts",
    "Temperature",
    "expected_calibration_error",
    "fit_temperature",
    "reliability",
    "softmax",
]

Values = NDArray[np.float64]

BINS = 15  # as in Guo et al.
_LOWEST, _HIGHEST = 0.01, 100.0


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Values:
    """Probabilities `(..., C)` in float64 of logits `(..., C)` divided by `temperature` (> 0)."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """What `fit_temperature` found: the value (> 0), and the mean log loss in nats around it."""

    value: float
    loss_before: float
    loss_after: float


def fit_temperature(
    logits: ArrayLike, gold: ArrayLike, *, present: ArrayLike | None = None
) -> Temperature:
    """The temperature that minimises the log loss of held-out rows.

    The loss is convex in 1/T, so its slope is brought to zero by Newton steps kept inside a
    bracket. One row is invented that is wrong: its gold mass 1/(N + 1) is spread over the classes
    that are not right. Where every row is right the loss alone would ask for T = 0, full certainty
    from, say, ten rows; with it the answer is finite, and past a few hundred rows it is not felt.

    Args:
        logits: `(N, C)` raw scores, N and C at least 1.
        gold: `(N,)` class indices; rows with -1 (a label that the model lacks) are left out.
        present: `(N, C)` which classes each row has, where rows have different ones; None: all.

    Raises:
        InputError: no row has a known label, or a logit is not finite.
    """
    given = np.asarray(logits, np.float64)
    if present is not None:
        given = np.where(present, given, -np.inf)
        _refuse_broken(given[np.asarray(present, bool)])
    else:
        _refuse_broken(given)
    scores, right = _known(given, np.asarray(gold, np.int64))
    rows = np.arange(len(right))
    pulls = _target_logits(scores, right)
    inverse = _root(scores, pulls)

    def loss(temperature: float) -> float:
        chosen = softmax(scores, temperature)[rows, right]
        return float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean())

    return Temperature(value=1 / inverse, loss_before=loss(1.0), loss_after=loss(1 / inverse))


def _known(scores: Values, gold: NDArray[np.int64]) -> tuple[Values, NDArray[np.int64]]:
    known = gold >= 0
    if not known.any():
        raise InputError("no row has a label that the model knows: nothing to fit a temperature on")
    scores = scores - scores.max(axis=1, keepdims=True)  # equal logits then have slope 0, exactly
    return scores[known], gold[known]


def _refuse_broken(logits: Values) -> None:
    if not np.isfinite(logits).all():
        raise InputError("a logit is not finite: the model diverged, or its weights are damaged")


def _target_logits(scores: Values, right: NDArray[np.int64]) -> Values:
    """The mean logit of each target `(N,)`: the right class, less the invented row's share."""
    n_rows, n_classes = len(scores), np.isfinite(scores).sum(axis=1)
    chosen = scores[np.arange(n_rows), right]
    others = (_finite(scores).sum(axis=1) - chosen) / np.maximum(1, n_classes - 1)
    wrong = np.where(n_classes > 1, 1 / (n_rows + 1), 0.0)
    return np.asarray((1 - wrong) * chosen + wrong * others, np.float64)


def _finite(scores: Values) -> Values:
    """With 0 for a class that a row does not have, whose probability is 0."""
    return np.where(np.isneginf(scores), 0.0, scores)


def _root(scores: Values, pulls: Values, tolerance: float = 1e-9) -> float:
    """The 1/T at which the slope of the loss, mean(E_p[z] - target), crosses zero."""
    low, high, inverse = 1 / _HIGHEST, 1 / _LOWEST, 1.0
    for _ in range(100):
        slope, curvature = _slope(scores, pulls, inverse)
        if slope == 0:
            break
        low, high = (inverse, high) if slope < 0 else (low, inverse)
        step = inverse - slope / curvature if curvature > 0 else low
        before = inverse
        inverse = step if low < step < high else float(np.sqrt(low * high))
        if abs(inverse - before) <= tolerance * before:
            break
    return inverse


def _slope(scores: Values, pulls: Values, inverse: float) -> tuple[float, float]:
    chances = softmax(scores, 1 / inverse)
    values = _finite(scores)
    mean = (chances * values).sum(axis=1)
    spread = (chances * (values - mean[:, None]) ** 2).sum(axis=1)
    return float((mean - pulls).mean()), float(spread.mean())


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram of B equal bins of confidence.

    Args:
        count: `(B,)` rows in each bin.
        confidence: `(B,)` mean probability of the answer; 0 in an empty bin.
        accuracy: `(B,)` share of right answers; 0 in an empty bin.
    """

    count: NDArray[np.int64]
    confidence: Values
    accuracy: Values

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap of the two, weighted by rows, 0 to 1."""
        gaps = np.abs(self.confidence - self.accuracy)
        return float((gaps * self.count).sum() / max(1, self.count.sum()))


class ReliabilityCounts:
    """Adds up a reliability diagram batch by batch, in constant memory."""

    def __init__(self, bins: int = BINS):
        self._sums = np.zeros((3, bins))

    def add(self, probabilities: NDArray[np.floating[Any]], gold: NDArray[np.int64]) -> None:
        """Add rows `(n, C)` with gold classes `(n,)`; -1 is wrong whatever the answer."""
        confidence = probabilities.max(axis=1).astype(np.float64)
        right = probabilities.argmax(axis=1) == gold
        bins = self._sums.shape[1]
        # bins are open below and closed above, as in Guo et al.
        index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
        for sums, weights in zip(self._sums, (np.ones(len(gold)), confidence, right), strict=True):
            sums += np.bincount(index, weights, minlength=bins)

    def result(self) -> Reliability:
        """The diagram of all rows so far."""
        count, confidence, right = self._sums
        rows = np.maximum(count, 1)
        return Reliability(count.astype(np.int64), confidence / rows, right / rows)


def reliability(probabilities: ArrayLike, gold: ArrayLike, *, bins: int = BINS) -> Reliability:
    """The reliability diagram of probabilities `(N, C)` and gold classes `(N,)`."""
    counts = ReliabilityCounts(bins)
    counts.add(np.asarray(probabilities), np.asarray(gold, np.int64))
    return counts.result()


def expected_calibration_error(
    probabilities: ArrayLike, gold: ArrayLike, *, bins: int = BINS
) -> float:
    """The mean gap between how sure the answers are and how often they are right, 0 to 1."""
    return reliability(probabilities, gold, bins=bins).ece
