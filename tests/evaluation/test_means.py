"""Means over rows: their intervals are those of drawing rows, alike ones or not."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation.means import means, paired_means


def test_a_mean_and_between_what_it_lies():
    draw = np.random.default_rng(0)
    values = {"some": draw.random(300), "few": draw.integers(0, 2, 300).astype(float)}
    found = means(values, intervals=True)
    assert found["some"] == pytest.approx(values["some"].mean())
    for name, x in values.items():
        low, high = found[f"{name}_ci"]
        # The mean of 300 rows spreads as one over their root.
        half = 1.96 * x.std() / np.sqrt(300)
        assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.2 * half)
    assert means(values, intervals=False).keys() == values.keys()


def test_rows_that_are_alike_do_not_look_sure():
    low, high = means({"x": np.ones(20)}, intervals=True)["x_ci"]
    assert low < 0.9
    assert high == 1


def test_two_models_are_held_against_each_other_by_row():
    draw = np.random.default_rng(1)
    a = draw.random(200)
    found = paired_means("x", a, a + 0.1)
    assert found.difference == pytest.approx(0.1)
    # Rows differ much, the models always alike: unpaired it would be lost in the rows.
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.p_value < 0.05
