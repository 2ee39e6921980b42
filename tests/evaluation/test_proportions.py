"""Intervals of shares that have a width where every row is right, and where none is."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation import (
    classification_metrics,
    multilabel_metrics,
    unless_degenerate,
    wilson_interval,
)
from glossator.evaluation.entities import EntityScores
from glossator.text.tagging import Span


@pytest.mark.parametrize(
    ("share", "trials", "expected"),
    [  # of scipy.stats.binomtest(...).proportion_ci(method="wilson")
        (0.9, 10, (0.5958499732047615, 0.9821237869049271)),
        (0.5, 100, (0.4038315303659956, 0.5961684696340044)),
        (1.0, 10, (0.7224672001371106, 1.0)),
        (0.0, 10, (0.0, 0.2775327998628892)),
    ],
)
def test_the_wilson_interval(share, trials, expected):
    assert wilson_interval(share, trials) == pytest.approx(expected, abs=1e-12)


def test_an_interval_with_a_width_is_the_bootstraps_own():
    assert unless_degenerate((0.5, 0.75), 4) == [0.5, 0.75]
    assert unless_degenerate((1.0, 1.0), [4, 0]) == list(wilson_interval(1.0, 4))
    few, many = wilson_interval(1.0, 4)[0], wilson_interval(1.0, 40)[0]
    assert unless_degenerate((1.0, 1.0), [4, 40]) == [(few + many) / 2, 1.0]


@pytest.mark.parametrize("right", [True, False])
def test_a_classifier_that_is_always_or_never_right_may_be_otherwise(right):
    gold = np.array([0, 1] * 5)
    answered = gold if right else 1 - gold
    scores = classification_metrics(np.eye(2)[answered] * 0.8 + 0.1, gold, ["a", "b"])
    assert scores["accuracy"] == scores["macro_f1"] == float(right)
    of_ten, of_five = wilson_interval(float(right), 10), wilson_interval(float(right), 5)
    assert scores["accuracy_ci"] == scores["micro_f1_ci"] == pytest.approx(of_ten)
    assert scores["macro_f1_ci"] == pytest.approx(of_five)  # of five rows of each class


def test_so_may_one_that_gives_several_labels():
    gold = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], bool)
    scores = multilabel_metrics(np.where(gold, 0.9, 0.1), gold, ["a", "b"])
    assert scores["micro_f1"] == scores["macro_f1"] == 1
    assert scores["micro_f1_ci"] == pytest.approx(wilson_interval(1.0, 3))  # rows with labels
    assert scores["macro_f1_ci"] == pytest.approx(wilson_interval(1.0, 2))  # rows of each label


def test_so_may_one_that_finds_entities():
    scores = EntityScores(["x"])
    spans = [{Span(0, 1, "x")}, {Span(2, 3, "x")}]
    scores.add(spans, spans)
    found = scores.result()
    assert found["f1"] == 1
    for name in ("precision_ci", "recall_ci", "f1_ci"):
        assert found[name] == pytest.approx(wilson_interval(1.0, 2))
