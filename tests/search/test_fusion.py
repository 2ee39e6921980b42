"""Several orders as one."""

from __future__ import annotations

import pytest

from glossator.search.fusion import joined_ranks


def test_ranks_are_joined_as_in_the_paper():
    found = joined_ranks([[7, 3, 5], [5, 7]])
    assert [row for row, _ in found] == [7, 5, 3]
    assert [score for _, score in found] == pytest.approx(
        [1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62]
    )


def test_what_both_know_stands_before_what_one_puts_first():
    assert [row for row, _ in joined_ranks([[1, 2], [3, 2]])] == [2, 1, 3]


def test_nothing_joined_is_nothing():
    assert joined_ranks([[], []]) == []
