from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import (
    best_threshold,
    choose_thresholds,
    decide_labels,
    fit_binary_temperature,
)


def draw(rows: int, priors, seed: int = 0, skill: float = 2.0):
    """Calibrated probabilities of labels, and gold drawn with just these priors."""
    random = np.random.default_rng(seed)
    priors = np.asarray(priors)
    gold = random.random((rows, len(priors))) < priors
    signal = random.normal(size=gold.shape) + skill * gold
    logits = np.log(priors / (1 - priors)) + skill * signal - skill**2 / 2
    return 1 / (1 + np.exp(-logits)), gold, logits


def f1(chances, gold, threshold) -> float:
    predicted = chances > threshold
    return 2 * (predicted & gold).sum() / max(1, predicted.sum() + gold.sum())


def test_labels_are_those_above_the_threshold():
    chances = np.array([[0.2, 0.5, 0.7], [0.6, 0.51, 0.1]], np.float32)
    assert decide_labels(chances).tolist() == [[False, False, True], [True, True, False]]
    got = decide_labels(chances, [0.1, 0.6, 0.05])
    assert got.tolist() == [[True, False, True], [True, False, True]]


def test_frequent_labels_get_their_own_best_threshold():
    chances, gold, _ = draw(20_000, [0.3, 0.1])
    chances[:, 1] **= 2  # not calibrated: its best threshold is another
    got = choose_thresholds(chances, gold)
    for label in range(2):
        own = best_threshold(chances[:, label], gold[:, label], metric="f1")
        assert got[label] == pytest.approx(own.threshold, abs=0.001)
        assert f1(chances[:, label], gold[:, label], got[label]) > own.score - 0.001
    assert got[1] < got[0] - 0.05


def test_rare_labels_are_drawn_towards_all():
    chances, gold, _ = draw(5000, [0.3, 0.3, 0.3, 0.0008])
    rows = gold[:, 3].sum()
    assert 1 <= rows <= 8, "the draw shows what it is meant to"
    common = best_threshold(chances.ravel(), gold.ravel(), metric="f1").threshold
    own = best_threshold(chances[:, 3], gold[:, 3], metric="f1").threshold
    got = choose_thresholds(chances, gold)[3]
    assert got == pytest.approx((rows * own + 2 * common) / (rows + 2))


def test_drawing_together_helps_rare_labels_on_other_rows():
    own, together = [], []
    for seed in range(20):
        chances, gold, _ = draw(150, np.full(20, 0.02), seed, skill=2.5)
        test, test_gold, _ = draw(20_000, np.full(20, 0.02), seed + 1000, skill=2.5)
        chosen = choose_thresholds(chances, gold)
        for label in np.flatnonzero(gold.any(axis=0)):
            alone = best_threshold(chances[:, label], gold[:, label], metric="f1").threshold
            own.append(f1(test[:, label], test_gold[:, label], alone))
            together.append(f1(test[:, label], test_gold[:, label], chosen[label]))
    assert np.mean(together) > np.mean(own) + 0.02


@given(st.integers(1, 30), st.integers(0, 10_000), st.sampled_from([0.3, 0.75, 0.9, 1.0]))
@settings(deadline=None)
def test_lowest_threshold_that_has_the_precision(rows, seed, precision):
    random = np.random.default_rng(seed)
    chances = np.round(random.random((rows, 1)), 1)  # ties, and zeros
    gold = random.random((rows, 1)) < 0.5
    threshold = float(choose_thresholds(chances, gold, precision=precision)[0])
    if not gold.any():
        assert threshold == 0.5
        return

    def precise(at: float) -> bool:
        predicted = chances > at
        return predicted.any() and (gold & predicted).sum() >= precision * predicted.sum()

    lower = [at for at in np.arange(-0.05, 1, 0.1) if precise(max(at, 0.0))]
    if not lower:
        assert threshold == 1.0
        assert not decide_labels(chances, threshold).any()
        return
    expected = decide_labels(chances, max(lower[0], 0.0))
    np.testing.assert_array_equal(decide_labels(chances, threshold), expected)
    assert precise(threshold)


def test_thresholds_lie_in_the_middle_of_a_gap():
    chances = np.array([[0.9], [0.8], [0.5], [0.1]])
    gold = np.array([[True], [True], [False], [False]])
    assert choose_thresholds(chances, gold, precision=0.9).tolist() == [pytest.approx(0.65)]
    assert choose_thresholds(chances, gold, precision=0.5).tolist() == [pytest.approx(0.05)]
    near = np.nextafter(0.5, 1)
    got = choose_thresholds([[near], [0.5]], [[True], [False]], precision=1.0)
    assert decide_labels(np.array([[near], [0.5]]), got).tolist() == [[True], [False]]


def test_labels_without_rows_get_a_half():
    chances = np.random.default_rng(0).random((20, 2))
    gold = np.zeros((20, 2), bool)
    assert choose_thresholds(chances, gold).tolist() == [0.5, 0.5]
    gold[:3, 0] = True
    assert choose_thresholds(chances, gold)[1] == 0.5
    assert choose_thresholds(chances, gold, precision=0.9)[1] == 0.5


def test_what_is_refused():
    with pytest.raises(InputError, match=r"shape \(2, 2\) and gold \(2, 3\)"):
        choose_thresholds(np.zeros((2, 2)), np.zeros((2, 3)))
    for bad in (0, 1.1):
        with pytest.raises(InputError, match=f"precision is {bad}; expected above 0 and up to 1"):
            choose_thresholds(np.zeros((2, 2)), np.zeros((2, 2)), precision=bad)
    with pytest.raises(InputError, match=r"logits have shape \(2, 2\) and targets \(2, 3\)"):
        fit_binary_temperature(np.zeros((2, 2)), np.zeros((2, 3)))


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_temperature_is_found_for_all_labels_together(true):
    _, gold, logits = draw(8000, [0.3, 0.1, 0.05])
    found = fit_binary_temperature(true * logits, gold)
    assert found.value == pytest.approx(true, rel=0.05)
    assert found.loss_after <= found.loss_before

    def loss(temperature: float) -> float:
        signs = np.where(gold, 1, -1)
        return float(np.logaddexp(0, -signs * true * logits / temperature).mean())

    assert found.loss_before == pytest.approx(loss(1.0))
    assert found.loss_after == pytest.approx(loss(found.value))
    around = [loss(found.value * step) for step in (0.99, 1, 1.01)]
    assert min(around) == around[1]


def test_temperature_where_all_is_right_is_finite():
    found = fit_binary_temperature([[4.0, -4.0]] * 10, [[True, False]] * 10)
    assert 0.01 <= found.value < 4
