"""A model that has learned nothing says so before its scores."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from label_records import records

from glossator.tasks.kinds.text_regression.scores import NumberScores
from glossator.tasks.no_skill import no_skill


@pytest.mark.parametrize(
    ("answered", "gold", "right", "said"),
    [
        ({"a": 9}, {"a": 6, "b": 3}, 6, "answers 'a' for every row"),
        ({"a": 5, "b": 4}, {"a": 6, "b": 3}, 6, "'a' for every row would be right 6 times"),
        ({"a": 5, "b": 4}, {"a": 6, "b": 3}, 2, "2 of 9 rows are right"),
        ({"a": 5, "b": 4}, {"a": 6, "b": 3}, 7, None),
        ({"a": 9}, {"a": 9}, 9, None),  # nothing to tell apart
    ],
)
def test_labels(answered, gold, right, said):
    found = no_skill(Counter(answered), Counter(gold), right)
    assert len(found) == (said is not None)
    if said:
        assert (found[0].kind, found[0].severity) == ("no_skill", "warning")
        assert said in found[0].message


@pytest.mark.parametrize(
    ("answers", "idle"),
    [([2.0, 2.0, 2.0], True), ([3.0, 2.0, 1.0], True), ([1.5, 2.0, 2.5], False)],
)
def test_numbers(answers, idle):
    scores = NumberScores(intervals=False, paired=False)
    rows = records(["x", "y", "z"], [1.0, 2.0, 3.0])
    scores.add(rows, [], [np.array([x]) for x in answers])
    assert [finding.kind for finding in scores.remarks()] == ["no_skill"] * idle
