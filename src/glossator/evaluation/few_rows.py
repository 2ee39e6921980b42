"""Scores of labels made true on a few labelled rows: one temperature, and a bias a label.

Alexandari, Kundaje and Shrikumar 2020, "Maximum likelihood with bias-corrected calibration is
hard-to-beat at label shift adaptation", section 3: vector scaling (Guo et al. 2017) whose slopes
are one, so that it has a number a label to learn and not two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glossator.errors import InputError
from glossator.evaluation.calibration import softmax

__all__ = ["Scaling", "fit_one_label", "fit_several_labels"]

Values = NDArray[np.float64]
Slopes: TypeAlias = tuple[float, Values, Values]
"""The value of a function, its gradient (P,) and its Hessian (P, P)."""

# A bias is thought to be 0, give or take 1 nat: what three rows say against that weighs little.
_STRENGTH = 1.0
# The biases of the labels that have rows add up to 0, so that those without any lose nothing.
_BALANCE = 1e3
_LEAST, _MOST = 0.01, 100.0  # of the slope


@dataclass(frozen=True)
class Scaling:
    """What scores become: they are divided by `temperature` (> 0), and a bias is added.

    Args:
        temperature: of all scores.
        biases: `(C,)` one a label.
    """

    temperature: float
    biases: tuple[float, ...]

    def of(self, scores: ArrayLike) -> Values:
        """Logits `(..., C)` of scores `(..., C)`."""
        scaled = np.asarray(scores, np.float64) / self.temperature
        return np.asarray(scaled + np.array(self.biases), np.float64)


def fit_one_label(scores: ArrayLike, gold: ArrayLike) -> Scaling:
    """The scaling of rows that have one label each.

    What is minimised is the log loss with a penalty on the biases. As in `fit_temperature` one row
    is invented that is wrong, so that rows that are all right do not ask for full certainty. The
    bias of a label without a row is 0, and those of the others are 0 on the mean.

    Args:
        scores: `(N, C)`, N at least 1 and C at least 2.
        gold: `(N,)` the label of each row.

    Raises:
        InputError: there is no row, or a score is not finite.
    """
    given, right = _checked(scores), np.asarray(gold, np.int64)
    rows, labels = given.shape
    wrong = 1 / (rows + 1)
    targets = np.full_like(given, wrong / (labels - 1))
    targets[np.arange(rows), right] = 1 - wrong
    seen = np.unique(right)

    def loss(point: Values) -> Slopes:
        slope, biases = point[0], np.zeros(labels)
        biases[seen] = point[1:]
        chances = softmax(slope * given + biases)
        value = -float((targets * np.log(np.maximum(chances, np.finfo(float).tiny))).sum())
        off = chances - targets
        pull = np.concatenate([[(off * given).sum()], off.sum(axis=0)[seen]])
        centred = given - (chances * given).sum(axis=1, keepdims=True)
        across = (chances * centred).sum(axis=0)[seen]
        curve = np.zeros((1 + len(seen), 1 + len(seen)))
        curve[0, 0] = (chances * centred**2).sum()
        curve[0, 1:] = curve[1:, 0] = across
        inside = chances[:, seen]
        curve[1:, 1:] = np.diag(inside.sum(axis=0)) - inside.T @ inside
        return _with_penalty(point, (value, pull, curve), first=1)

    found = _minimised(loss, np.concatenate([[1.0], np.zeros(len(seen))]))
    biases = np.zeros(labels)
    biases[seen] = found[1:]
    return Scaling(float(1 / found[0]), tuple(biases.tolist()))


def fit_several_labels(scores: ArrayLike, present: ArrayLike) -> Scaling:
    """The scaling of rows that have any number of labels, each by itself more or less than 0.

    One intercept is for all labels, what a label's own bias adds to it is penalised, and targets
    are softened as in Platt 1999, "Probabilistic outputs for support vector machines", section 2.2.

    Args:
        scores: `(N, C)`, N and C at least 1.
        present: `(N, C)` whether each row has each label.

    Raises:
        InputError: there is no row, or a score is not finite.
    """
    given, right = _checked(scores), np.asarray(present, np.bool_)
    labels = given.shape[1]
    yes, no = int(right.sum()), int((~right).sum())
    targets = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))
    middle = given.mean()

    def loss(point: Values) -> Slopes:
        slope, common, biases = point[0], point[1], point[2:]
        logits = slope * (given - middle) + common + biases
        chances = 0.5 * (1 + np.tanh(0.5 * logits))
        value = float((np.logaddexp(0, logits) - targets * logits).sum())
        off, weight = chances - targets, chances * (1 - chances)
        moved = given - middle
        pull = np.concatenate([[(off * moved).sum(), off.sum()], off.sum(axis=0)])
        curve = np.zeros((2 + labels, 2 + labels))
        curve[0, 0], curve[1, 1] = (weight * moved**2).sum(), weight.sum()
        curve[0, 1] = curve[1, 0] = (weight * moved).sum()
        curve[0, 2:] = curve[2:, 0] = (weight * moved).sum(axis=0)
        curve[1, 2:] = curve[2:, 1] = weight.sum(axis=0)
        curve[2:, 2:] = np.diag(weight.sum(axis=0))
        return _with_penalty(point, (value, pull, curve), first=2)

    found = _minimised(loss, np.concatenate([[1.0, 0.0], np.zeros(labels)]))
    biases = found[1] + found[2:] - found[0] * middle
    return Scaling(float(1 / found[0]), tuple(biases.tolist()))


def _checked(scores: ArrayLike) -> Values:
    given = np.asarray(scores, np.float64)
    if not len(given):
        raise InputError("there is no labelled row to calibrate on")
    if not np.isfinite(given).all():
        raise InputError("a score is not finite: the weights of the model are damaged")
    return given


def _with_penalty(point: Values, slopes: Slopes, *, first: int) -> Slopes:
    """A loss with the penalty on the biases, which stand at `first` and after it."""
    value, pull, curve = slopes
    biases = point[first:]
    total = biases.sum()
    value += 0.5 * _STRENGTH * float(biases @ biases) + 0.5 * _BALANCE * float(total**2)
    pull, curve = pull.copy(), curve.copy()
    pull[first:] += _STRENGTH * biases + _BALANCE * total
    curve[first:, first:] += _STRENGTH * np.eye(len(biases)) + _BALANCE
    return value, pull, curve


def _minimised(loss: Callable[[Values], Slopes], start: Values) -> Values:
    """The lowest point of a convex function whose first argument, a slope, is kept in a range.

    Newton steps, halved until the function falls; once the slope stands at an end of its range,
    the others go on alone.
    """
    point = start
    for _ in range(200):
        value, pull, curve = loss(point)
        held = (point[0] <= _LEAST and pull[0] > 0) or (point[0] >= _MOST and pull[0] < 0)
        free = np.arange(len(point)) >= held
        step = np.zeros_like(point)
        lifted = curve[np.ix_(free, free)] + 1e-9 * np.eye(int(free.sum()))
        step[free] = np.linalg.solve(lifted, pull[free])
        fall, share = float(pull[free] @ step[free]), 1.0
        if fall <= 1e-12 * (1 + abs(value)):
            break
        moved = _clipped(point - step)
        while share > 1e-9 and loss(moved)[0] > value - 1e-4 * share * fall:
            share /= 2
            moved = _clipped(point - share * step)
        if share <= 1e-9:
            break
        point = moved
    return point


def _clipped(point: Values) -> Values:
    return np.concatenate([np.clip(point[:1], _LEAST, _MOST), point[1:]])
