"""Budgets of requests."""

from __future__ import annotations

import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from glossator.serving.config import LimitConfig
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


def test_of_a_thousand_at_once_over_two_processes_the_budget_is_taken_exactly():
    clock = Clock()
    rates = Rates(5.0, 137, clock)
    taken, told = os.pipe()

    def take():
        granted = []
        threads = [
            threading.Thread(target=lambda: granted.extend(rates.take("a") for _ in range(50)))
            for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return granted.count(0.0)

    pid = os.fork()
    if not pid:
        os.write(told, str(take()).encode())
        os._exit(0)
    here = take()
    assert os.waitpid(pid, 0)[1] == 0
    assert here + int(os.read(taken, 100)) == 137
    os.close(taken)
    os.close(told)
    assert rates.take("b") == 0.0


def test_a_key_that_has_used_its_budget_is_told_when_to_come_back(made, keys):
    client = made(limits=LimitConfig(rate=0.001, burst=3))

    def ask(name="predict"):
        return client.get("/v1/models", headers=keys.header(name))

    assert [ask().status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(ask().headers["retry-after"]) in (999, 1_000)
    assert ask().json()["error"]["kind"] == "rate"
    assert ask("admin").status_code == 200
    assert client.get("/health/live").status_code == 200


def test_a_wrong_key_takes_nothing_of_a_budget(made, keys):
    client = made(limits=LimitConfig(rate=0.001, burst=1))
    number = keys.tokens["predict"][:16]
    for _ in range(5):
        wrong = {"Authorization": f"Bearer {number}_{'A' * 43}"}
        assert client.get("/v1/models", headers=wrong).status_code == 401
    assert client.get("/v1/models", headers=keys.header()).status_code == 200
