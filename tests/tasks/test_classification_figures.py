"""What text classification shows: filled from streamed scores, said in words."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation import ClassificationScores, reliability, threshold_curve
from glossator.evaluation.figures import Curve, Matrix, Pair, Quote, Quotes, Table
from glossator.tasks.kinds.text_classification.figures import MEASURES, Calibration, sections, words

LABELS = ("card", "film", "market")


def scored(gold, labels=LABELS, batches: int = 1) -> ClassificationScores:
    """Answers that are `card` throughout."""
    scores = ClassificationScores(labels)
    for part in np.array_split(np.asarray(gold), batches):
        chances = np.full((len(part), len(labels)), 0.1)
        chances[:, 0] = 1 - 0.1 * (len(labels) - 1)
        scores.add(chances, part)
    return scores


def calibration(two: bool) -> Calibration:
    chances, gold = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([1, 1])
    return Calibration(
        temperature=1.5,
        before=reliability(chances, gold),
        after=reliability(chances, gold),
        threshold=0.4 if two else None,
        curve=threshold_curve(chances[:, 1], gold) if two else None,
    )


def test_every_measure_is_among_the_scores():
    assert {measure.name for measure in MEASURES} <= scored([0, 1]).result().keys()
    assert [measure.hub for measure in MEASURES if measure.hub] == ["accuracy", "f1"]


@pytest.mark.parametrize("batches", [1, 7])
def test_classes_come_weakest_first_whether_they_stream_or_not(batches):
    (found,) = sections(scored([0] * 20 + [1] * 12 + [2] * 11, batches=batches))
    table, matrix = found.figures
    assert isinstance(table, Table)
    assert isinstance(matrix, Matrix)
    assert [row[0] for row in table.rows] == ["film", "market", "card"]
    assert table.rows[-1][1:] == pytest.approx((40 / 63, 20 / 43, 1.0, 20))
    assert matrix.counts.tolist() == [[20, 0, 0], [12, 0, 0], [11, 0, 0]]
    assert found.notes == []


def test_a_class_without_rows_stands_last():
    (found,) = sections(scored([0, 1]))
    assert [row[0] for row in found.figures[0].rows] == ["film", "card", "market"]


def test_what_a_reader_of_the_scores_must_know_is_a_note():
    (found,) = sections(scored([0] * 20 + [-1, 1]), split="dev")
    unknown, rare = found.notes
    assert unknown.startswith("1 dev row has a label that the model does not know.")
    assert rare.startswith("2 of 3 classes have under ten dev rows")


def test_mistakes_and_answers_are_quotes():
    quote = Quote("a text", "card", "film", 0.9)
    _, found = sections(scored([0, 1]), mistakes=[], answers=[quote])
    mistakes, answers = found.figures
    assert isinstance(mistakes, Quotes)
    assert mistakes.none == "There is no wrong answer in 2 test rows."
    assert answers.title == "Answers for 1 test row"
    assert answers.quotes == [quote]
    assert found.aside == []
    _, found = sections(scored([0, 1]), mistakes=[quote])
    assert "surest and wrong" in found.aside[0]


@pytest.mark.parametrize("two", [True, False])
def test_confidence_has_a_threshold_with_two_classes(two):
    labels = ("no", "y" * 100) if two else LABELS
    *_, found = sections(scored([0, 1], labels), calibration=calibration(two))
    assert found.id == "confidence"
    pair, *curves = found.figures
    assert isinstance(pair, Pair)
    assert pair.right.title == "With temperature 1.50"
    assert len(curves) == two == ("threshold" in found.aside[-1])
    for curve in curves:
        assert isinstance(curve, Curve)
        assert curve.title == f"Where {'y' * 60}… begins"
        assert curve.mark == (0.4, "used: 0.40")


def test_words_say_what_was_decided_and_what_transformers_leaves_out():
    said = words(LABELS)
    assert said.does == "Reads a text and says which of 3 classes it belongs to."
    assert said.decided == []
    assert said.elsewhere.endswith("by label, without the windows for long texts.")
    said = words(("no", "yes"), temperature=1.4, threshold=0.42)
    assert said.decided[1] == "The answer is yes where its probability is above 0.420."
    assert said.elsewhere.endswith(
        "without the temperature, the threshold and the windows for long texts."
    )
