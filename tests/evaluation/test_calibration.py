from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.evaluation import (
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
)


def overconfident(rows: int, classes: int, temperature: float, seed: int = 0):
    """Logits whose labels are drawn from softmax(logits / temperature)."""
    random = np.random.default_rng(seed)
    logits = 4 * random.normal(size=(rows, classes))
    chances = softmax(logits, temperature)
    gold = (chances.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    return logits, np.minimum(gold, classes - 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("classes", [2, 20])
def test_the_true_temperature_is_found(temperature, classes):
    logits, gold = overconfident(8000, classes, temperature)
    fitted = fit_temperature(logits, gold)
    assert fitted.value == pytest.approx(temperature, rel=0.06)
    assert fitted.loss_after <= fitted.loss_before
    before = expected_calibration_error(softmax(logits), gold)
    after = expected_calibration_error(softmax(logits, fitted.value), gold)
    assert after < max(0.02, before / 2)


def test_it_is_the_minimum_that_scipy_finds():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is the referee here")
    logits, gold = overconfident(5000, 6, 2.0)

    def loss(log_temperature: float) -> float:
        chances = softmax(logits, np.exp(log_temperature))
        return -np.log(chances[np.arange(5000), gold]).mean()

    expected = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    fitted = fit_temperature(logits, gold)
    assert fitted.value == pytest.approx(np.exp(expected.x), rel=2e-3)  # less the invented row
    assert fitted.loss_after == pytest.approx(expected.fun, rel=1e-6)


def test_answers_do_not_change():
    logits, gold = overconfident(100, 5, 2.0)
    fitted = fit_temperature(logits, gold)
    assert (softmax(logits, fitted.value).argmax(1) == logits.argmax(1)).all()


def test_all_right_is_not_full_certainty():
    """The pure likelihood would go to T = 0 here; ten right rows do not prove that."""
    logits = np.tile([2.0, 0.0, -1.0], (10, 1))
    fitted = fit_temperature(logits, np.zeros(10, int))
    assert 0.1 < fitted.value < 1.0
    certain = softmax(logits[0], fitted.value)[0]
    assert 0.85 < certain < 0.95  # about 10 of 11
    more = fit_temperature(np.tile(logits, (50, 1)), np.zeros(500, int))
    assert softmax(logits[0], more.value)[0] > certain


@pytest.mark.parametrize(
    ("logits", "gold"),
    [
        ([[3.0, -1.0]], [0]),
        ([[3.0, -1.0]], [1]),
        ([[0.0, 0.0, 0.0]] * 4, [0, 1, 2, 0]),
        ([[1e4, -1e4]] * 3, [0, 0, 1]),
        ([[1e-9, 0.0]] * 3, [0, 0, 0]),
        ([[7.0]], [0]),
    ],
    ids=["one right", "one wrong", "says nothing", "huge", "tiny", "one class"],
)
def test_degenerate_rows_give_a_bounded_temperature(logits, gold):
    fitted = fit_temperature(logits, gold)
    assert 0.01 <= fitted.value <= 100
    assert np.isfinite([fitted.loss_before, fitted.loss_after]).all()


def test_logits_that_say_nothing_keep_temperature_one():
    assert fit_temperature(np.full((4, 3), 0.7), np.array([0, 1, 2, 0])).value == 1.0


def test_unknown_labels_are_left_out():
    logits, gold = overconfident(300, 4, 2.0)
    some = np.concatenate([gold, np.full(50, -1)])
    fitted = fit_temperature(np.concatenate([logits, 9 * logits[:50]]), some)
    assert fitted == fit_temperature(logits, gold)
    with pytest.raises(InputError, match="no row"):
        fit_temperature(logits, np.full(300, -1))
    with pytest.raises(InputError, match="not finite"):
        fit_temperature(logits * np.inf, gold)


def test_softmax_survives_large_logits_and_keeps_small_ones():
    chances = softmax(np.array([1000.0, 0.0, -1000.0], np.float32))
    assert chances.dtype == np.float64
    np.testing.assert_array_equal(chances, [1.0, 0.0, 0.0])
    assert softmax([0.0, -700.0])[1] > 0


def test_reliability_is_scikit_learns_calibration_curve():
    calibration = pytest.importorskip("sklearn.calibration", reason="the referee here")
    logits, gold = overconfident(2000, 2, 2.0)
    chances = softmax(logits)
    diagram = reliability(chances, gold, bins=15)
    assert diagram.count.sum() == 2000
    right, confidence = calibration.calibration_curve(
        chances.argmax(1) == gold, chances.max(1), n_bins=15
    )
    filled = diagram.count > 0
    np.testing.assert_allclose(diagram.accuracy[filled], right)
    np.testing.assert_allclose(diagram.confidence[filled], confidence)
    gaps = np.abs(right - confidence)
    assert diagram.ece == pytest.approx((gaps * diagram.count[filled]).sum() / 2000)


def test_certainty_falls_into_the_last_bin_and_an_empty_table_into_none():
    diagram = reliability(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 0])
    assert diagram.count.tolist() == [0] * 14 + [2]
    assert diagram.accuracy[-1] == 0.5
    assert reliability(np.zeros((0, 2)).reshape(0, 2), []).ece == 0.0
