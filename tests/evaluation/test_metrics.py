from __future__ import annotations

import subprocess
import sys
import tracemalloc
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import (
    ClassificationScores,
    classification_metrics,
    classification_report,
    confusion_matrix,
    decide,
    expected_calibration_error,
    roc_auc,
    softmax,
)

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")


def names(count: int) -> list[str]:
    return [f"class {i}" for i in range(count)]


def draw(rows: int, classes: int, seed: int, skill: float = 1.5):
    random = np.random.default_rng(seed)
    gold = random.integers(0, classes, rows)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), gold] += skill
    return softmax(logits), gold


@given(st.integers(1, 40), st.integers(2, 7), st.integers(0, 10_000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_scikit_learn(rows, classes, seed, single):
    probabilities, gold = draw(rows, classes, seed)
    if single:
        probabilities = probabilities.astype(np.float32)
    got = classification_metrics(probabilities, gold, names(classes), intervals=False)
    predicted = probabilities.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class without rows: compared with our convention below
        assert got["accuracy"] == sklearn.accuracy_score(gold, predicted)
        for average in ("macro", "micro"):
            expected = sklearn.f1_score(gold, predicted, average=average)
            assert got[f"{average}_f1"] == pytest.approx(expected, abs=1e-12)
        wide = probabilities.astype(np.float64)
        expected = sklearn.log_loss(gold, wide, labels=range(classes))
        assert got["log_loss"] == pytest.approx(expected, rel=1e-6)
        areas = [
            sklearn.roc_auc_score(gold == c, probabilities[:, c])
            for c in range(classes)
            if 0 < (gold == c).sum() < rows
        ]
    if classes == 2:
        areas = areas[1:]
    assert got["roc_auc"] == (pytest.approx(np.mean(areas), abs=1e-12) if areas else None)


def test_multiclass_auc_is_one_against_the_rest():
    probabilities, gold = draw(300, 5, 3)
    got = classification_metrics(probabilities, gold, names(5))
    expected = sklearn.roc_auc_score(gold, probabilities, multi_class="ovr", average="macro")
    assert got["roc_auc"] == pytest.approx(expected, abs=1e-12)


def test_equal_scores_count_half():
    scores = np.array([0.5, 0.5, 0.5, 0.9, 0.1])
    positive = np.array([True, False, True, False, False])
    assert roc_auc(scores, positive) == sklearn.roc_auc_score(positive, scores)
    assert roc_auc(np.full(6, 0.3), np.arange(6) < 2) == 0.5
    assert roc_auc(scores, np.zeros(5, bool)) is None


def test_unknown_labels_are_wrong_and_counted():
    probabilities, gold = draw(200, 4, 5)
    some = gold.copy()
    some[:30] = -1
    got = classification_metrics(probabilities, some, names(4), intervals=False)
    predicted = probabilities.argmax(axis=1)
    assert got["unknown_labels"] == 30
    assert got["accuracy"] == sklearn.accuracy_score(some, predicted)
    expected = sklearn.f1_score(some, predicted, average="macro", zero_division=0)
    assert got["macro_f1"] == pytest.approx(expected, abs=1e-12)
    expected = sklearn.log_loss(gold[30:], probabilities[30:])
    assert got["log_loss"] == pytest.approx(expected)
    # the same rows without the unknown ones must score higher: they did count
    known = classification_metrics(probabilities[30:], gold[30:], names(4), intervals=False)
    assert known["accuracy"] > got["accuracy"]
    assert known["roc_auc"] == got["roc_auc"]
    assert known["ece"] != got["ece"]


def test_all_unknown_gives_no_loss_and_no_area():
    probabilities, gold = draw(5, 3, 0)
    got = classification_metrics(probabilities, np.full_like(gold, -1), names(3))
    assert (got["accuracy"], got["log_loss"], got["roc_auc"]) == (0.0, None, None)
    assert got["macro_f1_ci"] == [0.0, 0.0]


def test_report_and_matrix_are_those_of_scikit_learn():
    probabilities, gold = draw(150, 6, 2)
    gold[gold == 4] = 1  # a class that nobody has
    predicted = probabilities.argmax(axis=1)
    matrix = sklearn.confusion_matrix(gold, predicted, labels=range(6))
    np.testing.assert_array_equal(confusion_matrix(gold, predicted, 6), matrix)
    expected = sklearn.precision_recall_fscore_support(
        gold, predicted, labels=range(6), zero_division=0
    )
    got = classification_report(gold, predicted, names(6))
    rows = [(s.precision, s.recall, s.f1, s.support) for s in got]
    np.testing.assert_allclose(rows, np.transpose(expected), atol=1e-12)
    assert [score.label for score in got] == names(6)


def test_threshold_moves_the_answers():
    probabilities = np.array([[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]])
    assert decide(probabilities).tolist() == [0, 0, 1]
    assert decide(probabilities, 0.5).tolist() == [0, 0, 1]
    assert decide(probabilities, 0.25).tolist() == [1, 1, 1]
    gold, classes = np.array([1, 0, 1]), names(2)
    at_half = classification_metrics(probabilities, gold, classes)
    lower = classification_metrics(probabilities, gold, classes, threshold=0.25)
    assert at_half["log_loss"] == lower["log_loss"]
    predicted = [1, 1, 1]
    assert lower["accuracy"] == sklearn.accuracy_score(gold, predicted)


def test_batches_add_up_to_the_whole():
    probabilities, gold = draw(997, 8, 1)
    gold[::50] = -1
    whole = classification_metrics(probabilities, gold, names(8))
    scores = ClassificationScores(names(8))
    for start in range(0, 997, 31):
        scores.add(probabilities[start : start + 31], gold[start : start + 31])
    for name, value in scores.result().items():
        assert value == pytest.approx(whole[name], rel=1e-12), name
    assert scores.rows == 997
    predicted = probabilities.argmax(axis=1)
    assert scores.report() == classification_report(gold, predicted, names(8))
    np.testing.assert_array_equal(scores.confusion(), confusion_matrix(gold, predicted, 8))


def test_adding_after_a_result_goes_on(tmp_path):
    probabilities, gold = draw(400, 3, 7)
    scores = ClassificationScores(names(3), memory_bytes=1000, folder=tmp_path)
    scores.add(probabilities[:200], gold[:200])
    scores.result()
    scores.add(probabilities[200:], gold[200:])
    assert (
        scores.result()["roc_auc"]
        == classification_metrics(probabilities, gold, names(3))["roc_auc"]
    )


def test_rows_past_the_size_are_on_disk_not_in_memory(tmp_path):
    classes, rows = 100, 2000
    probabilities, gold = (part[:rows] for part in draw(rows, classes, 0))
    probabilities = probabilities.astype(np.float32)

    def peak(memory_bytes: int) -> tuple[int, dict]:
        scores = ClassificationScores(
            names(classes), intervals=False, memory_bytes=memory_bytes, folder=tmp_path
        )
        tracemalloc.start()
        for _ in range(30):
            scores.add(probabilities, gold)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return held, scores.result()

    on_disk, spilled = peak(1 << 20)
    in_memory, kept = peak(1 << 30)  # the control: here the rows are in memory, and it shows
    size = 30 * rows * (classes + 1) * 4
    assert on_disk < size / 4
    assert size <= in_memory < 2 * size  # at most 8 bytes a row and class
    assert spilled == kept


def test_no_temporary_file_stays(tmp_path):
    scores = ClassificationScores(names(2), memory_bytes=10, folder=tmp_path)
    scores.add(*draw(100, 2, 0))
    scores.result()
    del scores
    assert list(tmp_path.iterdir()) == []


def test_intervals_hold_the_score_and_narrow_with_rows():
    few = classification_metrics(*draw(60, 3, 1), names(3))
    many = classification_metrics(*draw(6000, 3, 1), names(3))
    for name in ("accuracy", "macro_f1", "micro_f1"):
        for scores in (few, many):
            low, high = scores[f"{name}_ci"]
            assert low < scores[name] < high
        width = [scores[f"{name}_ci"][1] - scores[f"{name}_ci"][0] for scores in (few, many)]
        assert width[0] / width[1] == pytest.approx(10, rel=0.3)  # the square root of 100


def test_seed_decides_the_intervals():
    data = draw(100, 3, 1)
    first, again, other = (
        classification_metrics(*data, names(3), seed=seed)["macro_f1_ci"] for seed in (0, 0, 1)
    )
    assert first == again != other


def test_bad_arrays_are_refused():
    probabilities, gold = draw(10, 3, 0)
    with pytest.raises(InputError, match=r"shape \(10, 3\).*expected \(N, 4\)"):
        classification_metrics(probabilities, gold, names(4))
    with pytest.raises(InputError, match="gold holds 0 to 3; expected -1 to 2"):
        classification_metrics(probabilities, np.array([3] + [0] * 9), names(3))
    with pytest.raises(InputError, match="softmax"):
        classification_metrics(probabilities * 5, gold, names(3))
    with pytest.raises(InputError, match="between 0 and 1"):
        classification_metrics(probabilities * np.nan, gold, names(3))
    with pytest.raises(InputError, match="no rows"):
        classification_metrics(probabilities[:0], gold[:0], names(3))
    with pytest.raises(InputError, match="gold has shape"):
        confusion_matrix(gold, gold[:5], 3)


def test_one_row():
    got = classification_metrics(np.array([[0.9, 0.1]]), np.array([0]), names(2))
    assert (got["accuracy"], got["roc_auc"]) == (1.0, None)
    assert got["accuracy_ci"] == pytest.approx([0.2065, 1.0], abs=1e-4)  # one row says little
    assert got["ece"] == pytest.approx(0.1)


def test_calibration_error_of_a_known_case():
    # ten answers at 0.8 of which six are right: the gap is 0.2
    probabilities = np.tile([0.8, 0.2], (10, 1))
    gold = np.array([0] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, gold) == pytest.approx(0.2)


@pytest.mark.parametrize("skill", [0.0, 5.0])
def test_150_classes_take_no_time(skill):
    """Calls are counted: no clock tells the same twice."""
    calls = {rows: calls_for(rows, skill) for rows in (1100, 5500)}
    assert calls[5500] < 150 * 200, "too many calls a class"
    assert calls[5500] < 1.2 * calls[1100], "calls for each row"


def calls_for(rows: int, skill: float) -> int:
    """How many functions are called, those written in C too."""
    probabilities, gold = draw(rows, 150, 0, skill)
    calls = Counter()
    sys.setprofile(lambda _, event, __: calls.update([event]))
    try:
        classification_metrics(probabilities, gold, names(150))
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def test_numpy_is_all_that_is_loaded():
    code = (
        "import sys, glossator.evaluation as e; e.classification_metrics([[.9, .1]], [0], 'ab');"
        "sys.exit(' '.join(m for m in ('torch', 'sklearn', 'scipy', 'pandas') if m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.strip() == ""
