"""Threads side by side."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.training import workers
from glossator.training.workers import Workers, even_shares

CPU = torch.device("cpu")
PATIENCE = 500


def test_results_are_in_order_and_side_by_side(two_workers):
    meeting = threading.Barrier(2, timeout=PATIENCE)

    def meet(x):
        meeting.wait()
        return x * x, torch.get_num_threads()

    assert two_workers.map(meet, [2, 3]) == [(4, 1), (9, 1)]
    assert torch.get_num_threads() == 2


def test_one_item_has_all_threads_and_stays_where_it_is(two_workers):
    here = threading.get_ident()
    assert two_workers.map(lambda _: (threading.get_ident(), torch.get_num_threads()), [0]) == [
        (here, 2)
    ]


def test_an_error_is_raised_when_all_are_done(two_workers, monkeypatch):
    done, waited_for = [], threading.Event()

    def wait(futures):
        waited_for.set()
        return concurrent.futures.wait(futures)

    def fail_or_finish(x):
        if x == 0:
            raise ValueError("no")
        assert waited_for.wait(PATIENCE)  # the error of the other one is known by then
        done.append(x)

    monkeypatch.setattr(workers, "wait", wait)
    with pytest.raises(ValueError, match="no"):
        two_workers.map(fail_or_finish, [0, 1])
    by_then = list(done)
    waited_for.set()
    assert by_then == [1]


def test_one_thread_is_one_worker():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        made = Workers(CPU)
        assert made.count == 1
        made.close()
    finally:
        torch.set_num_threads(before)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.integers(1, 4))
def test_shares_hold_each_item_once_and_are_even(sizes, count):
    shares = even_shares(sizes, count)
    assert sorted(i for share in shares for i in share) == list(range(len(sizes)))
    assert len(shares) == min(count, len(sizes))
    sums = [sum(sizes[i] for i in share) for share in shares]
    assert max(sums) - min(sums) <= max(sizes)
