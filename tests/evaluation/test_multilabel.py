from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import MultilabelScores, multilabel_metrics
from glossator.evaluation.bootstrap import resampled_counts

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")


def names(count: int) -> list[str]:
    return [f"label {i}" for i in range(count)]


def draw(rows: int, classes: int, seed: int = 0, skill: float = 1.5):
    random = np.random.default_rng(seed)
    gold = random.random((rows, classes)) < random.uniform(0.05, 0.6, classes)
    logits = random.normal(size=gold.shape) + skill * (2 * gold - 1)
    return 1 / (1 + np.exp(-logits)), gold


def by_sklearn(gold, predicted, **options) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # labels without rows
        return float(sklearn.f1_score(gold, predicted, **options))


def macro(gold, predicted) -> float:
    """Over labels that are gold or predicted: the others are left out here."""
    seen = (gold | predicted).any(axis=0)
    f1 = [by_sklearn(gold[:, c], predicted[:, c]) for c in np.flatnonzero(seen)]
    return float(np.mean(f1)) if f1 else 0.0


@given(st.integers(1, 40), st.integers(2, 20), st.integers(0, 10_000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_scores_are_those_of_scikit_learn(rows, classes, seed, single):
    chances, gold = draw(rows, classes, seed)
    if single:
        chances = chances.astype(np.float32)
    limits = np.random.default_rng(seed).uniform(0.2, 0.8, classes)
    got = multilabel_metrics(chances, gold, names(classes), thresholds=limits, intervals=False)
    predicted = chances > limits
    wide = chances.astype(np.float64)
    areas = [
        sklearn.roc_auc_score(gold[:, c], chances[:, c])
        for c in range(classes)
        if 0 < gold[:, c].sum() < rows
    ]
    loss = sklearn.log_loss(gold.ravel(), wide.ravel(), labels=[False, True])
    expected = {
        "micro_f1": by_sklearn(gold, predicted, average="micro"),
        "macro_f1": macro(gold, predicted),
        "sample_f1": by_sklearn(gold, predicted, average="samples", zero_division=1),
        "precision": sklearn.precision_score(gold, predicted, average="micro", zero_division=0),
        "recall": sklearn.recall_score(gold, predicted, average="micro", zero_division=0),
        "exact_match": sklearn.accuracy_score(gold, predicted),
        "log_loss": pytest.approx(loss, rel=1e-6),
        "roc_auc": pytest.approx(np.mean(areas)) if areas else None,
        "empty_gold": (~gold.any(axis=1)).sum(),
        "empty_predicted": (~predicted.any(axis=1)).sum(),
    }
    for name, value in expected.items():
        same = value if name in {"log_loss", "roc_auc"} else pytest.approx(value, abs=1e-12)
        assert got[name] == same, name
    assert set(got) == {*expected, "ece"}


def test_report_is_that_of_scikit_learn():
    chances, gold = draw(150, 11)
    gold[:, 4] = False
    scores = MultilabelScores(names(11), thresholds=0.6)
    scores.add(chances, gold)
    expected = sklearn.precision_recall_fscore_support(gold, chances > 0.6, zero_division=0)
    rows = [(s.precision, s.recall, s.f1, s.support) for s in scores.report()]
    np.testing.assert_allclose(rows, np.transpose(expected), atol=1e-12)
    assert [score.label for score in scores.report()] == names(11)


def test_calibration_error_is_that_of_all_pairs():
    random = np.random.default_rng(0)
    chances = random.random((4000, 5))
    gold = random.random(chances.shape) < chances
    true = multilabel_metrics(chances, gold, names(5), intervals=False)
    assert true["ece"] < 0.01
    sure = multilabel_metrics((chances > 0.5) * 1.0, gold, names(5), intervals=False)
    assert sure["ece"] == pytest.approx(0.25, abs=0.01), "right three times in four"
    assert math.isfinite(sure["log_loss"])


def test_labels_of_probability_zero_keep_their_side():
    chances = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.5]])
    gold = np.array([[True, True], [False, False], [True, False]])
    got = multilabel_metrics(chances, gold, names(2), intervals=False)
    assert got["roc_auc"] == sklearn.roc_auc_score(gold, chances)


def test_batches_add_up_to_the_whole(tmp_path):
    chances, gold = draw(1200, 9)
    whole = multilabel_metrics(chances, gold, names(9))
    scores = MultilabelScores(names(9), memory_bytes=1 << 10, folder=tmp_path)
    for start in range(0, 1200, 37):
        scores.add(chances[start : start + 37], gold[start : start + 37])
    assert scores.rows == 1200
    for name, value in scores.result().items():
        assert value == pytest.approx(whole[name], rel=1e-12), name


@pytest.mark.parametrize("classes", [3, 8, 70])
def test_intervals_are_those_of_drawing_rows(classes):
    chances, gold = draw(60, classes)
    predicted, rows = chances > 0.5, np.arange(60)
    drawn = {"micro_f1": [], "macro_f1": []}
    for block in resampled_counts(np.ones(60, int), resamples=1000, seed=4):
        for counts in block:
            here = np.repeat(rows, counts)
            hits = (gold & predicted)[here].sum(axis=0)
            either = gold[here].sum(axis=0) + predicted[here].sum(axis=0)
            drawn["micro_f1"].append(2 * hits.sum() / either.sum())
            drawn["macro_f1"].append((2 * hits[either > 0] / either[either > 0]).mean())
    got = multilabel_metrics(chances, gold, names(classes), seed=4)
    for name, values in drawn.items():
        assert got[f"{name}_ci"] == pytest.approx(np.quantile(values, [0.025, 0.975])), name
        low, high = got[f"{name}_ci"]
        assert low < got[name] < high


def test_intervals_of_many_rows_come_from_a_sample():
    chances, gold = draw(40_000, 4)
    many = multilabel_metrics(chances, gold, names(4))
    few = multilabel_metrics(chances[:10_000], gold[:10_000], names(4))
    for name in ("micro_f1", "macro_f1"):
        widths = [scores[f"{name}_ci"][1] - scores[f"{name}_ci"][0] for scores in (many, few)]
        assert widths[0] == pytest.approx(widths[1] / 2, rel=0.2)
        assert many[f"{name}_ci"][0] < many[name] < many[f"{name}_ci"][1]


def test_nothing_gold_and_nothing_given():
    got = multilabel_metrics(np.zeros((3, 2)), np.zeros((3, 2), bool), names(2))
    assert (got["exact_match"], got["sample_f1"], got["micro_f1"]) == (1, 1, 0)
    assert (got["empty_gold"], got["empty_predicted"], got["roc_auc"]) == (3, 3, None)
    assert got["log_loss"] == 0


def test_what_is_refused():
    scores = MultilabelScores(names(3))
    with pytest.raises(InputError, match="there are no rows to score"):
        scores.result()
    with pytest.raises(InputError, match=r"shape \(2, 2\) and gold \(2, 2\); expected \(N, 3\)"):
        scores.add(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(InputError, match=r"shape \(2, 3\) and gold \(1, 3\)"):
        scores.add(np.zeros((2, 3)), np.zeros((1, 3)))
    for bad in (1.5, -0.1, math.nan):
        with pytest.raises(InputError, match="logits need a sigmoid first"):
            scores.add(np.full((1, 3), bad), np.zeros((1, 3)))
    with pytest.raises(InputError, match=r"thresholds have shape \(2,\); expected one number, or"):
        MultilabelScores(names(3), thresholds=[0.5, 0.5])
