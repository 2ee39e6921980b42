"""Splits: every row once, every label learned, whole groups, the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import TableError
from glossator.text.splits import DEFAULT_FRACTIONS, sample, stratified_split

FRACTIONS = st.sampled_from([(0.8, 0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.7, 0.0, 0.3), (1.0,)])


@settings(max_examples=200, deadline=None)
@given(
    labels=st.lists(st.sampled_from("aaaabbcdefg"), min_size=1, max_size=60),
    fractions=FRACTIONS,
    seed=st.integers(0, 2**40),
    grouped=st.booleans(),
    data=st.data(),
)
def test_every_row_once_every_label_learned_whole_groups(labels, fractions, seed, grouped, data):
    groups = None
    if grouped:
        group = st.integers(0, 20)
        groups = data.draw(st.lists(group, min_size=len(labels), max_size=len(labels)))
    try:
        parts = stratified_split(labels, fractions, seed, groups)
    except TableError:
        assert grouped or len(labels) < len(set(labels)) + len(fractions) - 1
        return
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    assert {labels[i] for i in parts[0]} == set(labels)
    assert [len(part) > 0 for part in parts] == [share > 0 for share in fractions]
    if groups is not None:
        homes = [{groups[i] for i in part} for part in parts]
        assert sum(map(len, homes)) == len(set(groups))


def test_shares_are_held_overall_and_for_each_label():
    labels = ["big"] * 700 + ["mid"] * 200 + ["small"] * 100
    for groups in (None, [i // 2 for i in range(1_000)]):
        parts = stratified_split(labels, DEFAULT_FRACTIONS, 3, groups)
        assert [len(part) for part in parts] == [800, 100, 100]
        for part, share in zip(parts, DEFAULT_FRACTIONS, strict=True):
            got = [sum(labels[i] == name for i in part) for name in ("big", "mid", "small")]
            assert got == pytest.approx([700 * share, 200 * share, 100 * share], abs=2)


def test_shares_are_held_with_very_many_small_labels():
    labels = [f"label {i // 4}" for i in range(4_000)]
    for groups in (None, list(range(4_000))):
        parts = stratified_split(labels, DEFAULT_FRACTIONS, 0, groups)
        assert [len(part) for part in parts] == pytest.approx([3_200, 400, 400], abs=80)
        assert len({labels[i] for i in parts[0]}) == 1_000


def test_the_seed_decides_and_the_draw_never_changes():
    labels = ["a", "b"] * 10
    first = stratified_split(labels, (0.8, 0.2), 7)
    assert all(map(np.array_equal, first, stratified_split(labels, (0.8, 0.2), 7)))
    assert not np.array_equal(first[1], stratified_split(labels, (0.8, 0.2), 8)[1])
    assert first[1].tolist() == [3, 6, 11, 12]
    assert sample(100, 5, 7).tolist() == [6, 32, 37, 96, 98]
    assert first[0].dtype == np.int64


def test_tiny_tables():
    parts = stratified_split(["a", "b", "a", "b"], DEFAULT_FRACTIONS, 0)
    assert [len(part) for part in parts] == [2, 1, 1]
    with pytest.raises(TableError, match=r"3 rows are too few for 3 parts.* 2 labels"):
        stratified_split(["a", "b", "a"], DEFAULT_FRACTIONS, 0)
    with pytest.raises(TableError, match="1 groups are too few"):
        stratified_split(["a", "b", "a"], (0.5, 0.5), 0, ["x"] * 3)


def test_few_groups_fill_every_part():
    groups = [1, 1, 2, 2, 3, 4, 4, 5, 5, 6]
    parts = stratified_split(["a"] * 5 + ["b"] * 5, groups=groups)
    assert [len(part) for part in parts] == [8, 1, 1]
    parts = stratified_split(["a"] * 30, groups=[i // 10 for i in range(30)])
    assert [len(part) for part in parts] == [10, 10, 10]
    parts = stratified_split(["a", "b", "a", "b"], groups=["x", "x", "y", "z"])
    assert parts[0].tolist() == [0, 1]


def test_what_is_no_split():
    for fractions in [(0.5, 0.4), (0.0, 1.0), (1.5, -0.5)]:
        with pytest.raises(ValueError, match="sum 1"):
            stratified_split(["a"], fractions, 0)
    with pytest.raises(ValueError, match="one a row"):
        stratified_split(["a"], (1.0,), 0, [])


def test_sample():
    drawn = sample(1_000, 400, 1)
    assert len(set(drawn.tolist())) == 400
    assert np.array_equal(drawn, np.sort(drawn))
    assert not np.array_equal(drawn, sample(1_000, 400, 2))
    with pytest.raises(ValueError, match="cannot draw 3 of 2"):
        sample(2, 3, 0)
