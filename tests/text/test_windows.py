from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.text.windows import windows


def faults(spans: list[tuple[int, int]], length: int, limit: int, overlap: int) -> list[str]:
    """What is wrong with `spans`; empty where every promise is kept."""
    found = []
    if {i for a, b in spans for i in range(a, b)} != set(range(length)):
        found.append("a token is in no window")
    if any(b - a > limit for a, b in spans):
        found.append("too long")
    if any(before[1] - after[0] < overlap for before, after in itertools.pairwise(spans)):
        found.append("too little in common")
    if spans != sorted(spans) or len(set(spans)) < len(spans):
        found.append("out of order")
    if len(spans) > 1 and len(spans) > -(-(length - overlap) // (limit - overlap)):
        found.append("more than are needed")
    return found


sizes = st.integers(1, 600).flatmap(
    lambda limit: st.tuples(st.integers(0, 5000), st.just(limit), st.integers(0, limit - 1))
)


@given(sizes)
def test_windows_keep_their_promises(size):
    length, limit, overlap = size
    assert faults(windows(length, limit, overlap), length, limit, overlap) == []


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([(0, 4), (5, 9)], "a token is in no window"),
        ([(0, 9)], "too long"),
        ([(0, 4), (4, 8), (5, 9)], "too little in common"),
        ([(5, 9), (0, 4), (2, 6)], "out of order"),
        ([(0, 4), (1, 5), (2, 6), (3, 7), (5, 9)], "more than are needed"),
    ],
)
def test_the_check_of_windows_finds_what_is_wrong(spans, fault):
    assert fault in faults(spans, 9, 4, 1)


def test_a_text_that_fits_is_one_window():
    assert windows(0, 10, 2) == [(0, 0)]
    assert windows(10, 10, 2) == [(0, 10)]
    assert windows(11, 10, 2) == [(0, 10), (1, 11)]


def test_windows_of_one_token():
    assert windows(3, 1, 0) == [(0, 1), (1, 2), (2, 3)]


def test_a_text_of_a_million_tokens():
    assert len(windows(1_000_000, 510, 127)) == -(-(1_000_000 - 127) // (510 - 127))
