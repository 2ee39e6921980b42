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
        ({"a": 90}, {"a": 60, "b": 30}, 60, "answers 'a' for every row"),
        ({"a": 50, "b": 40}, {"a": 60, "b": 30}, 60, "'a' for every row would be right 60 times"),
        ({"a": 50, "b": 40}, {"a": 60, "b": 30}, 20, "20 of 90 rows are right"),
        ({"a": 50, "b": 40}, {"a": 60, "b": 30}, 70, None),
        ({"a": 90}, {"a": 90}, 90, None),  # nothing to tell apart
        ({"a": 9}, {"a": 6, "b": 3}, 6, None),  # too few
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
