from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.evaluation import mcnemar, paired_bootstrap
from glossator.evaluation.comparison import combined

stats = pytest.importorskip("scipy.stats", reason="scipy is the referee here")
sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")


def rights(only_a: int, only_b: int, both: int = 5):
    a = [True] * only_a + [False] * only_b + [True] * both
    b = [False] * only_a + [True] * only_b + [True] * both
    return np.array(a, bool), np.array(b, bool)


@pytest.mark.parametrize(
    ("only_a", "only_b"), [(0, 0), (1, 0), (3, 9), (7, 7), (40, 15), (900, 1100), (60_000, 59_000)]
)
def test_mcnemar_is_the_binomial_test(only_a, only_b):
    found = mcnemar(*rights(only_a, only_b))
    assert (found.only_a, found.only_b) == (only_a, only_b)
    n = only_a + only_b
    expected = stats.binomtest(only_a, n, 0.5).pvalue if n else 1.0
    assert found.p_value == pytest.approx(expected, rel=1e-6)


def answers(rows: int, accuracy: float, gold, seed: int):
    random = np.random.default_rng(seed)
    wrong = (gold + random.integers(1, 4, rows)) % 4
    return np.where(random.random(rows) < accuracy, gold, wrong)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_a_better_model_is_found_and_an_equal_one_is_not(metric):
    gold = np.random.default_rng(0).integers(0, 4, 800)
    a, b, c = (answers(800, p, gold, s) for p, s in ((0.8, 1), (0.9, 2), (0.8, 3)))
    better = paired_bootstrap(gold, a, b, metric=metric)
    assert 0 < better.low < better.difference < better.high
    assert better.p_value < 0.01
    equal = paired_bootstrap(gold, a, c, metric=metric)
    assert equal.low < 0 < equal.high
    assert equal.p_value > 0.05
    swapped = paired_bootstrap(gold, b, a, metric=metric)
    assert swapped.difference == -better.difference
    assert (swapped.low, swapped.high) == pytest.approx((-better.high, -better.low), abs=0.01)


def test_scores_are_scikit_learns_and_labels_need_not_be_dense():
    gold = np.array([0, 5, 5, -1, 9, 0])
    a, b = np.array([0, 5, 0, 5, 9, 9]), np.array([0, 5, 5, 5, 0, 0])
    for metric, referee in (
        ("accuracy", sklearn.accuracy_score),
        ("macro_f1", lambda g, p: sklearn.f1_score(g, p, average="macro", zero_division=0)),
    ):
        found = paired_bootstrap(gold, a, b, metric=metric)
        assert (found.a, found.b) == pytest.approx((referee(gold, a), referee(gold, b)))


def test_pairing_matters():
    """One row in fifty improves and none worsens: paired, that is no luck; unpaired it would be."""
    gold = np.zeros(1000, int)
    a = np.where(np.arange(1000) % 5 == 0, 1, 0)
    b = np.where(np.arange(1000) % 50 == 0, 0, a)
    assert paired_bootstrap(gold, a, b).low > 0
    assert mcnemar(a == gold, b == gold).p_value < 1e-4
    shuffled = np.random.default_rng(0).permutation(b)  # the control
    assert paired_bootstrap(gold, a, shuffled).low < 0


def test_false_alarms_are_as_rare_as_promised():
    random = np.random.default_rng(0)
    alarms = 0
    for seed in range(100):
        gold = random.integers(0, 4, 200)
        a, b = (answers(200, 0.75, gold, 1000 + 2 * seed + k) for k in (0, 1))
        alarms += paired_bootstrap(gold, a, b, resamples=300).p_value < 0.05
    assert alarms <= 12


def test_the_same_answers_do_not_differ():
    gold = np.array([0, 1, 2, 1])
    same = paired_bootstrap(gold, gold, gold)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert mcnemar([True, False], [True, False]).p_value == 1.0


def test_bad_input():
    with pytest.raises(InputError, match="2, 2, 3 rows"):
        paired_bootstrap([0, 1], [0, 1], [0, 1, 1])
    with pytest.raises(InputError, match="expected one of: accuracy, macro_f1"):
        paired_bootstrap([0], [0], [0], metric="f2")
    with pytest.raises(InputError, match="no rows"):
        mcnemar([], [])


def test_tests_on_different_rows_are_combined():
    """scipy.stats.combine_pvalues of one-sided values gives the same, with method='stouffer'."""
    assert combined([(0.03, True)]) == (pytest.approx(0.03), True)
    both, b_is_better = combined([(0.04, True), (0.2, True)])
    expected = 2 * stats.combine_pvalues([0.02, 0.1], method="stouffer").pvalue
    assert both == pytest.approx(expected)
    assert b_is_better
    assert combined([(0.01, True), (0.01, False)])[0] == pytest.approx(1.0)
    assert combined([(0.01, False), (0.5, True)])[1] is False
    assert 0 <= combined([(0.0, True)] * 5)[0] < 1e-9
