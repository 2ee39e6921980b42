from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import best_threshold, choose_threshold, decide, threshold_curve
from glossator.evaluation.thresholds import ThresholdCounts

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")

REFEREES = {
    "accuracy": sklearn.accuracy_score,
    "f1": lambda gold, answer: sklearn.f1_score(gold, answer, zero_division=0),
    "macro_f1": lambda gold, answer: sklearn.f1_score(
        gold, answer, average="macro", labels=[0, 1], zero_division=0
    ),
}


def imbalanced(rows: int, seed: int, shift: float = 0.0):
    """One row in ten is positive; `shift` biases the model's probability."""
    random = np.random.default_rng(seed)
    gold = (random.random(rows) < 0.1).astype(int)
    logit = 2.5 * gold - 1.5 + random.normal(size=rows) - shift
    return 1 / (1 + np.exp(-logit)), gold


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=25),
    st.sampled_from(sorted(REFEREES)),
)
@settings(max_examples=150, deadline=None)
def test_no_threshold_is_better(rows, metric):
    scores, gold = (np.array(column) for column in zip(*rows, strict=True))
    best = best_threshold(scores, gold, metric=metric)
    referee = REFEREES[metric]
    assert best.score == pytest.approx(referee(gold, scores > best.threshold))
    between = np.unique(scores)[:-1]  # above each score but the highest: all cuts there are
    others = [referee(gold, scores > cut) for cut in (*between, 0.5)]
    assert best.score >= max(others) - 1e-12


def test_ties_go_toward_one_half():
    separated = np.array([0.1, 0.2, 0.8, 0.9])
    assert best_threshold(separated, [0, 0, 1, 1]).threshold == 0.5
    low = np.array([0.01, 0.02, 0.1, 0.2])
    assert best_threshold(low, [0, 0, 1, 1]).threshold == pytest.approx(0.06)
    # cutting at 0.15 or at 0.65 is right in three of four
    scores = np.array([0.1, 0.2, 0.6, 0.7])
    assert best_threshold(scores, [0, 1, 0, 1], metric="accuracy").threshold == pytest.approx(0.65)


def test_neighbouring_floats_are_told_apart():
    low = 0.3
    high = float(np.nextafter(low, 1))
    best = best_threshold(np.array([low, high]), [0, 1])
    assert best.score == 1.0
    assert decide(np.array([[1 - low, low], [1 - high, high]]), best.threshold).tolist() == [0, 1]


def test_a_real_gain_moves_the_threshold_and_helps_new_rows():
    choice = choose_threshold(*imbalanced(3000, 0, shift=1.5))
    assert choice.threshold == choice.best.threshold < 0.45
    assert choice.gain.low > 0
    positive, gold = imbalanced(3000, 1, shift=1.5)
    referee = REFEREES["macro_f1"]
    assert referee(gold, positive > choice.threshold) > referee(gold, positive > 0.5)


def test_luck_does_not():
    """The best threshold of 60 rows always looks better; it is not taken for that."""
    moved, tempting = 0, 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        positive = random.random(60)
        gold = (random.random(60) < positive).astype(int)  # calibrated: 0.5 is right
        choice = choose_threshold(positive, gold)
        moved += choice.threshold != 0.5
        tempting += choice.best.score > choice.gain.a + 0.01
    assert tempting > 10
    assert moved <= 1


@pytest.mark.parametrize("gold", [[1], [0, 0, 0], [1, 0]])
def test_hardly_any_rows(gold):
    choice = choose_threshold(np.full(len(gold), 0.6), gold)
    assert choice.threshold == 0.5


def test_unknown_metric():
    with pytest.raises(InputError, match="'recall'; expected one of: accuracy, f1, macro_f1"):
        best_threshold([0.1], [1], metric="recall")


def test_curve_is_precision_and_recall():
    positive, gold = imbalanced(500, 2)
    curve = threshold_curve(positive, gold, points=11)
    assert curve.threshold.tolist() == pytest.approx(np.linspace(0, 1, 11).tolist())
    for t, p, r, f in zip(curve.threshold, curve.precision, curve.recall, curve.f1, strict=True):
        answer = positive > t
        assert p == pytest.approx(sklearn.precision_score(gold, answer, zero_division=1))
        assert r == pytest.approx(sklearn.recall_score(gold, answer, zero_division=0))
        assert f == pytest.approx(sklearn.f1_score(gold, answer, zero_division=0))


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_curve_added_up_batch_by_batch_is_that_of_one_go(batch):
    positive, gold = imbalanced(500, 2)
    counts = ThresholdCounts()
    for start in range(0, len(gold), batch):
        counts.add(positive[start : start + batch], gold[start : start + batch])
    added, whole = counts.result(), threshold_curve(positive, gold)
    assert counts.rows == 500
    for name in ("threshold", "precision", "recall", "f1"):
        assert getattr(added, name).tolist() == getattr(whole, name).tolist(), name
