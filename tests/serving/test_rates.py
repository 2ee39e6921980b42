"""Budgets of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glossator.serving.rates import Rates


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_burst_at_once_then_as_they_come_back():
    clock = Clock()
    rates = Rates(2.0, 3, clock)
    assert [rates.take("a") for _ in range(3)] == [0.0] * 3
    assert rates.take("a") == 0.5
    assert rates.take("b") == 0.0  # keys have budgets of their own
    clock.now += 0.5
    assert rates.take("a") == 0.0
    assert rates.take("a") == 0.5
    clock.now += 60
    assert [rates.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@given(
    st.floats(0.1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 3), min_size=1, max_size=100),
)
def test_no_stretch_of_time_has_more_than_its_budget(rate, burst, pauses):
    clock = Clock()
    rates = Rates(rate, burst, clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        if rates.take("a") == 0.0:
            taken.append(clock.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            within = taken[last] - taken[first]
            assert last - first + 1 <= burst + rate * within + 1e-6
