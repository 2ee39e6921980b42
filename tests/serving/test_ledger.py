"""Numbers that forked processes share."""

from __future__ import annotations

import os
import signal

import pytest

from glossator.serving.ledger import Ledger


def forked(work):
    """Do something in a copy of this process; waits for its end."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def put(ledger, name, number, past=0.0):
    with ledger.held():
        return ledger.put(name, number, past)


def get(ledger, name):
    with ledger.held():
        return ledger.get(name)


def test_a_number_is_seen_by_all_processes():
    ledger = Ledger(8)
    assert get(ledger, "a") is None
    assert put(ledger, "a", 1.5)
    assert forked(lambda: (put(ledger, "a", get(ledger, "a") + 1), put(ledger, "b", 7.0))) == 0
    assert (get(ledger, "a"), get(ledger, "b"), get(ledger, "c")) == (2.5, 7.0, None)


def test_what_is_past_makes_room_and_nothing_else_does():
    ledger = Ledger(3)
    assert all(put(ledger, name, float(i)) for i, name in enumerate("abc", 1))
    assert not put(ledger, "d", 9.0, past=0.5)
    assert put(ledger, "d", 9.0, past=1.0)
    assert [get(ledger, name) for name in "abcd"] == [None, 2.0, 3.0, 9.0]
    assert put(ledger, "a", 8.0, past=2.0)
    assert [get(ledger, name) for name in "abcd"] == [8.0, None, 3.0, 9.0]


def test_names_of_any_length_are_told_apart():
    ledger = Ledger(1_000)
    names = ["", "a", "a\0", "a" * 100, "a" * 101, "é", "😀", *map(str, range(500))]
    for number, name in enumerate(names):
        assert put(ledger, name, float(number) + 1)
    assert [get(ledger, name) for name in names] == [float(i) + 1 for i in range(len(names))]


def test_a_process_that_dies_holding_it_stops_nobody():
    ledger = Ledger(8)

    def die():
        with ledger.held():
            ledger.put("a", 1.0, 0.0)
            os.kill(os.getpid(), signal.SIGKILL)

    assert forked(die) == -signal.SIGKILL
    assert get(ledger, "a") == 1.0


@pytest.mark.parametrize("turns", [2_000])
def test_nothing_is_lost_where_processes_count_together(turns):
    ledger = Ledger(8)
    put(ledger, "n", 0.0, -1.0)

    def count():
        for _ in range(turns):
            with ledger.held():
                ledger.put("n", (ledger.get("n") or 0.0) + 1, -1.0)

    children = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            count()
            os._exit(0)
        children.append(pid)
    count()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    assert get(ledger, "n") == 3 * turns
