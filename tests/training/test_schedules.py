"""Learning rates over time."""

from __future__ import annotations

import pytest

from glossator.training.schedules import SCHEDULES, learning_rate


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_rises_to_its_peak_and_never_leaves_the_range(schedule: str) -> None:
    rates = [
        learning_rate(s, steps=100, peak=2.0, warmup=0.1, schedule=schedule) for s in range(100)
    ]
    assert rates[:10] == pytest.approx([0.2 * (s + 1) for s in range(10)])
    assert max(rates) == 2.0
    assert min(rates) > 0
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_linear_is_half_way_down_in_the_middle_and_cosine_too() -> None:
    for schedule in ("linear", "cosine"):
        rate = learning_rate(50, steps=100, peak=1.0, warmup=0.0, schedule=schedule)
        assert rate == pytest.approx(0.5)


def test_one_step_is_taken_at_the_peak() -> None:
    assert learning_rate(0, steps=1, peak=1.0, warmup=0.1, schedule="linear") == 1.0


def test_warmup_stable_decay_holds_and_then_falls() -> None:
    rates = [
        learning_rate(s, steps=100, peak=1.0, warmup=0.0, schedule="warmup-stable-decay")
        for s in range(100)
    ]
    assert rates[:80] == [1.0] * 80
    assert rates[90] == pytest.approx(1 - 0.5**0.5)


def test_inverse_square_root_goes_on_from_the_rise() -> None:
    options = {"peak": 1.0, "warmup": 0.1, "schedule": "inverse-square-root"}
    rates = [learning_rate(s, steps=100, **options) for s in range(100)]
    assert rates[10] == 1.0
    assert rates[40] == pytest.approx(0.5)
