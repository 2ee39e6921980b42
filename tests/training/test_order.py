"""Which rows an epoch has, and their examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glossator.tasks.learnable import Example, units
from glossator.training.order import epoch_order, examples_of
from glossator.training.randomness import shuffled
from glossator.training.rows import ListedRows


def rows(count, windows=2):
    ids = np.arange(3, dtype=np.int32)
    return ListedRows([[Example(ids, (0, 1), row=i)] * windows for i in range(count)])


class Plain:
    """Learnable in so far as it matters here."""


@dataclass
class Ordered(Plain):
    own: np.ndarray | None

    def order(self, rows, seed, epoch):
        return None if self.own is None else self.own + epoch


def test_an_order_of_its_own_goes_before_the_usual_one():
    usual = shuffled(6, 1, 2)
    assert epoch_order(Plain(), rows(6), 1, 2).equal(usual)
    assert epoch_order(Ordered(None), rows(6), 1, 2).equal(usual)
    assert epoch_order(Ordered(np.array([3, 3, 0])), rows(6), 1, 2).tolist() == [5, 5, 2]


def test_a_row_that_comes_twice_side_by_side_is_two():
    """Else a loss that sees the examples of a row together would take them for one row's."""
    found = examples_of(rows(4), [1, 1, 3])
    assert len(found) == 6
    assert [len(unit) for unit in units(found, "row")] == [2, 2, 2]
    assert [example.row for example in examples_of(rows(4), [3, 1])] == [3, 3, 1, 1]
