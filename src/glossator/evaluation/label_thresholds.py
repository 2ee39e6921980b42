"""For labels that do not exclude each other: how probable each must be before it is given.

Lipton, Elkan and Naryanaswamy 2014, "Optimal thresholding of classifiers to maximize F1 measure":
the best threshold of a calibrated model is half its best F1, and so lower for a harder label.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.calibration import Temperature, fit_temperature
from glossator.evaluation.thresholds import best_threshold

__all__ = ["choose_thresholds", "decide_labels", "fit_binary_temperature"]

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Values = NDArray[np.float64]

# The common threshold weighs as many positive rows as this. Measured on drawn labels of 2 to 100
# positive rows and three difficulties: 2 to 4 points of F1 at 2 rows, and nothing lost at 30.
_COMMON_ROWS = 2


def decide_labels(probabilities: Floats, thresholds: ArrayLike = 0.5) -> Flags:
    """The labels `(N, C)` of probabilities `(N, C)`: those above `thresholds`, one or `(C,)`."""
    return np.asarray(probabilities > np.asarray(thresholds, np.float64), np.bool_)


def choose_thresholds(
    probabilities: ArrayLike, gold: ArrayLike, *, precision: float | None = None
) -> Values:
    """A threshold for each label, from dev rows.

    For F1, what few positive rows say is drawn towards the threshold that is best for all labels
    together, as if it stood for two positive rows. For a precision nothing is drawn: what holds on
    a handful of dev rows may well not hold on others.

    Args:
        probabilities: `(N, C)`, calibrated.
        gold: `(N, C)`, whether each row has each label.
        precision: None for the best F1; else the lowest threshold, and so the best recall, with
            at least this precision, above 0 and up to 1. A label that never has it gets 1.0, and
            is given to no row.

    Returns:
        `(C,)` between 0 and 1; 0.5 for a label that no row has.

    Raises:
        InputError: shapes that do not fit, or a precision out of range.
    """
    scores, right = np.asarray(probabilities, np.float64), np.asarray(gold, np.bool_)
    if scores.ndim != 2 or scores.shape != right.shape:
        shapes = f"probabilities have shape {scores.shape} and gold {right.shape}"
        raise InputError(f"{shapes}; expected (N, C) both")
    if precision is not None and not 0 < precision <= 1:
        raise InputError(f"precision is {precision}; expected above 0 and up to 1")
    rows = right.sum(axis=0)
    best = np.full(scores.shape[1], 0.5)
    for label in np.flatnonzero(rows):
        column, positive = scores[:, label], right[:, label]
        if precision is None:
            best[label] = best_threshold(column, positive, metric="f1").threshold
        else:
            best[label] = _lowest(column, positive, precision)
    return best if precision is not None else _drawn_together(best, rows, scores, right)


def _drawn_together(best: Values, rows: NDArray[np.int64], scores: Values, right: Flags) -> Values:
    if not rows.any():
        return best
    common = best_threshold(scores.ravel(), right.ravel(), metric="f1").threshold
    drawn = (rows * best + _COMMON_ROWS * common) / (rows + _COMMON_ROWS)
    return np.where(rows > 0, drawn, 0.5)


def _lowest(scores: Values, positive: Flags, precision: float) -> float:
    """The lowest threshold with at least this precision, in the middle of its gap; else 1.0."""
    order = np.argsort(-scores, kind="stable")
    falling = np.append(scores[order], 0.0)
    reached = np.cumsum(positive[order]) >= precision * np.arange(1, len(scores) + 1)
    ends = np.flatnonzero(reached & (falling[:-1] > falling[1:]))  # equal scores go together
    if not len(ends):
        return 1.0
    upper, lower = falling[ends[-1]], falling[ends[-1] + 1]
    middle = (upper + lower) / 2
    return float(middle if middle < upper else lower)


def fit_binary_temperature(logits: ArrayLike, targets: ArrayLike) -> Temperature:
    """One temperature for all labels, which minimises the binary log loss of held-out rows.

    A label is a choice between a logit and 0, so that this is `fit_temperature` over all pairs of
    a row and a label, its invented wrong answer included.

    Args:
        logits: `(N, C)` raw scores.
        targets: `(N, C)`, whether each row has each label.

    Raises:
        InputError: shapes that do not fit, no pair, or a logit that is not finite.
    """
    scores, right = np.asarray(logits, np.float64), np.asarray(targets, np.bool_)
    if scores.shape != right.shape:
        raise InputError(f"logits have shape {scores.shape} and targets {right.shape}")
    pairs = np.column_stack([np.zeros(scores.size), scores.ravel()])
    return fit_temperature(pairs, right.ravel().astype(np.int64))
