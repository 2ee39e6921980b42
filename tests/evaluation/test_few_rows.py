"""Scores made true on a few rows: what is learned of many, and what few are not believed."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.evaluation.calibration import softmax
from glossator.evaluation.few_rows import Scaling, fit_one_label, fit_several_labels

SLOPE, BIASES = 0.3, np.array([1.0, -1.0, 0.0, 0.5, -0.5])


def drawn(rows, seed=0):
    """Scores `(rows, 5)` and labels that follow them by a known scale and known biases."""
    draw = np.random.default_rng(seed)
    scores = 5 * draw.normal(size=(rows, 5))
    chances = softmax(SLOPE * scores + BIASES)
    return scores, np.array([draw.choice(5, p=row) for row in chances])


def log_loss(logits, gold):
    return -np.log(softmax(logits)[np.arange(len(gold)), gold]).mean()


def test_many_rows_tell_scale_and_biases():
    found = fit_one_label(*drawn(5000))
    assert 1 / found.temperature == pytest.approx(SLOPE, rel=0.05)
    np.testing.assert_allclose(found.biases, BIASES, atol=0.1)


@pytest.mark.parametrize("rows", [10, 20, 50, 500])
def test_few_rows_do_better_than_none(rows):
    scores, gold = drawn(2000, seed=1)
    assert log_loss(fit_one_label(*drawn(rows)).of(scores), gold) < log_loss(scores, gold)


def test_a_single_row_moves_no_bias_by_more_than_it_is_worth():
    found = fit_one_label([[1.0, 0.0, 0.0]], [0])
    assert np.abs(found.biases).max() < 1
    assert found.temperature > 0


def test_the_slope_of_the_penalised_loss_is_zero():
    """By finite differences, of rows of which one label has none."""
    scores, gold = drawn(30)
    gold[gold == 4] = 0
    found = fit_one_label(scores, gold)
    targets = np.full((30, 5), 1 / 31 / 4)
    targets[np.arange(30), gold] = 30 / 31

    def loss(slope, biases):
        logits = slope * scores + biases
        chances = softmax(logits)
        return -(targets * np.log(chances)).sum() + 0.5 * (biases**2).sum()

    slope, biases, step = 1 / found.temperature, np.array(found.biases), 1e-4
    assert biases[4] == 0
    best = loss(slope, biases)
    assert loss(slope * (1 + step), biases) >= best
    assert loss(slope * (1 - step), biases) >= best
    for one in range(4):
        for other in range(4):  # from one to another: those that have rows add up to 0
            move = np.zeros(5)
            move[one], move[other] = move[one] + step, move[other] - step
            assert loss(slope, biases + move) >= best - 1e-9


def test_rows_that_are_all_right_leave_doubt():
    scores = np.eye(3)[[0, 1, 2] * 3] * 2
    chances = softmax(fit_one_label(scores, [0, 1, 2] * 3).of(scores))
    assert chances.max() == pytest.approx(0.9, abs=0.02)


def test_scores_that_speak_against_the_rows_are_not_turned_round():
    found = fit_one_label([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3, [1] * 3 + [0] * 3)
    assert found.temperature == pytest.approx(100)


def test_labels_by_themselves_get_an_intercept():
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(3000, 5)) + 8
    present = draw.random((3000, 5)) < 1 / (1 + np.exp(-(2 * (scores - 9) + BIASES)))
    found = fit_several_labels(scores, present)
    assert 1 / found.temperature == pytest.approx(2, rel=0.1)
    np.testing.assert_allclose(found.of(np.full(5, 9.0)), BIASES, atol=0.25)


@pytest.mark.parametrize("value", [True, False])
def test_labels_that_all_rows_have_or_none_are_finite(value):
    found = fit_several_labels(np.ones((4, 2)), np.full((4, 2), value))
    assert np.isfinite(found.of(np.ones(2))).all()
    assert ((found.of(np.ones(2)) > 0) == value).all()


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(InputError, match="no labelled row"):
        fit_one_label(np.zeros((0, 2)), [])
    with pytest.raises(InputError, match="not finite"):
        fit_several_labels([[np.nan]], [[True]])


def test_a_scaling_divides_and_adds():
    assert Scaling(2.0, (1.0, 0.0)).of([4.0, 6.0]).tolist() == [3.0, 3.0]
