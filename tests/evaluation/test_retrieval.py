"""Ranks of what is right among vectors, held against a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.evaluation import retrieval
from glossator.evaluation.retrieval import discounted_gain, nearest, ranks


def counted(queries, candidates, of_queries, of_candidates, *, itself=False):
    """The same, one query at a time."""
    found = []
    for i, query in enumerate(queries):
        pairs = [
            (float(query @ candidate), of_candidates[j] == of_queries[i])
            for j, candidate in enumerate(candidates)
            if not (itself and i == j)
        ]
        right = [similar for similar, hit in pairs if hit]
        before = [x for x, hit in pairs if not hit and right and x >= max(right)]
        found.append(len(before) + 1 if right else 0)
    return found


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_ranks_are_those_that_one_counts(seed, rows, others, itself):
    draw = np.random.default_rng(seed)
    # Few values, so that many are equally near.
    queries = draw.integers(-1, 2, (rows, 3)).astype(np.float32)
    candidates = queries if itself else draw.integers(-1, 2, (others, 3)).astype(np.float32)
    of_queries = draw.integers(0, 3, rows)
    of_candidates = of_queries if itself else draw.integers(0, 3, others)
    found = ranks(queries, candidates, of_queries, of_candidates, itself=itself)
    assert found.tolist() == counted(queries, candidates, of_queries, of_candidates, itself=itself)


def test_ranks_do_not_hang_on_how_many_are_held_at_a_time(monkeypatch):
    draw = np.random.default_rng(0)
    queries, candidates = draw.normal(size=(50, 4)), draw.normal(size=(30, 4))
    numbers = draw.integers(0, 5, 50), draw.integers(0, 5, 30)
    whole = ranks(queries, candidates, *numbers), nearest(queries, candidates)
    monkeypatch.setattr(retrieval, "_AT_ONCE", 64)
    assert ranks(queries, candidates, *numbers).tolist() == whole[0].tolist()
    assert nearest(queries, candidates).tolist() == whole[1].tolist()


def test_who_tells_nothing_apart_finds_nothing():
    same = np.ones((4, 2), np.float32)
    numbers = np.arange(4)
    assert ranks(same, same, numbers, numbers).tolist() == [4, 4, 4, 4]
    assert ranks(same, same, numbers, numbers, itself=True).tolist() == [0, 0, 0, 0]


def test_the_nearest_may_be_itself_or_not():
    rows = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    assert nearest(rows, rows).tolist() == [0, 1, 2]
    assert nearest(rows, rows, itself=True).tolist() == [1, 0, 1]


def test_gain_falls_with_the_place_and_ends_where_none_is_counted():
    found = discounted_gain(np.array([1, 3, 10, 11, 0]), at=10)
    assert found.tolist() == pytest.approx([1, 0.5, 1 / np.log2(11), 0, 0])
