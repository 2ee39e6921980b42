"""Sets of classes: how often they hold the right one."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.evaluation.calibration import softmax
from glossator.evaluation.conformal import (
    CoverageCounts,
    fewest_rows,
    least_probability,
    prediction_sets,
)


def drawn(rows, seed, classes=7):
    """Probabilities that are far too sure, and the classes that were drawn from truer ones."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(rows, classes)) * 2
    true = softmax(logits)
    gold = np.array([draw.choice(classes, p=p) for p in true])
    return softmax(logits * 3), gold


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_sets_hold_the_right_class_as_often_as_asked_however_wrong_the_probabilities(coverage):
    chances, gold = drawn(6000, 3)
    found = []
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(gold))
        known, new = order[:1000], order[1000:]
        least = least_probability(chances[known], gold[known], coverage)
        sets = prediction_sets(chances[new], least)
        found.append(sets[np.arange(len(new)), gold[new]].mean())
    assert np.mean(found) == pytest.approx(coverage, abs=0.01)
    naive = prediction_sets(chances, 1 - coverage)  # takes the probabilities at their word
    assert abs(naive[np.arange(len(gold)), gold].mean() - coverage) > 0.02


def test_the_quantile_is_that_of_a_finite_sample():
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    gold = np.array([0, 0, 0, 1])
    assert least_probability(chances, gold, 0.6) == 0.55  # the third of four, and the next
    assert least_probability(chances, gold, 0.8) == 0.2
    with pytest.raises(InputError, match=r"of 0\.95 needs at least 19 held-out rows, got 4"):
        least_probability(chances, gold, 0.95)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_so_many_rows_are_enough_and_one_less_is_not(coverage):
    rows = fewest_rows(coverage)
    chances = np.full((rows, 2), 0.5)
    gold = np.zeros(rows, np.int64)
    assert 0 < least_probability(chances, gold, coverage) <= 0.5
    with pytest.raises(InputError):
        least_probability(chances[1:], gold[1:], coverage)


def test_sets_are_counted_in_batches_as_at_once():
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]], bool)
    gold = np.array([0, 1, 2, 0, -1])
    whole, parts = CoverageCounts(), CoverageCounts()
    whole.add(sets, gold)
    parts.add(sets[:2], gold[:2])
    parts.add(sets[2:], gold[2:])
    expected = {"coverage": 0.4, "set_size": 1.0, "answered": 0.6, "answered_accuracy": 1 / 3}
    assert whole.result() == parts.result() == pytest.approx(expected)
    assert set(CoverageCounts().result().values()) == {None}
