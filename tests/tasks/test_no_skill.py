"""A model that has learned nothing says so before its scores."""

from __future__ import annotations

import numpy as np
import pytest
from label_records import records

from glossator.evaluation.confusion import ClassScore
from glossator.tasks.kinds.text_regression.scores import NumberScores
from glossator.tasks.no_skill import finds_nothing, no_skill


@pytest.mark.parametrize(
    ("confusion", "said"),
    [
        ([[60, 0], [30, 0]], "answers 'a' for every row"),
        ([[40, 20], [10, 20]], "'a' for every row would be right 60 times"),
        ([[10, 50], [20, 10]], "20 of 90 rows are right"),
        ([[45, 15], [5, 25]], None),
        ([[90, 0], [0, 0]], None),  # nothing to tell apart
        ([[6, 0], [3, 0]], None),  # too few
    ],
)
def test_labels(confusion, said):
    found = no_skill(("a", "b"), np.array(confusion))
    assert len(found) == (said is not None)
    if said:
        assert (found[0].kind, found[0].severity) == ("no_skill", "warning")
        assert said in found[0].message


@pytest.mark.parametrize(
    ("recalls", "idle"), [([0.0, 0.0], True), ([0.0, 0.1], False), ([], False)]
)
def test_what_is_found(recalls, idle):
    report = [ClassScore(label="x", precision=0.0, recall=x, f1=0.0, support=3) for x in recalls]
    found = finds_nothing(report, "entity", 7)
    assert [finding.count for finding in found] == [7] * idle


@pytest.mark.parametrize(
    ("answers", "idle"),
    [([2.0, 2.0, 2.0], True), ([3.0, 2.0, 1.0], True), ([1.5, 2.0, 2.5], False)],
)
def test_numbers(answers, idle):
    scores = NumberScores(intervals=False, paired=False)
    rows = records(["x", "y", "z"], [1.0, 2.0, 3.0])
    scores.add(rows, [], [np.array([x]) for x in answers])
    assert [finding.kind for finding in scores.remarks()] == ["no_skill"] * idle
