from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import RegressionScores, paired_difference, regression_metrics
from glossator.evaluation.bootstrap import resampled_counts

stats = pytest.importorskip("scipy.stats", reason="scipy is the referee here")
sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")


def draw(rows: int, seed: int = 0, noise: float = 1.0):
    random = np.random.default_rng(seed)
    gold = random.normal(size=rows)
    return gold + noise * random.normal(size=rows), gold


def by_scipy(predicted, gold) -> dict[str, float]:
    return {
        "pearson": stats.pearsonr(predicted, gold).statistic,
        "spearman": stats.spearmanr(predicted, gold).statistic,
        "rmse": math.sqrt(sklearn.mean_squared_error(gold, predicted)),
        "mae": sklearn.mean_absolute_error(gold, predicted),
        "r2": sklearn.r2_score(gold, predicted),
    }


@given(st.integers(2, 60), st.integers(0, 10_000), st.booleans(), st.sampled_from([0, 5, 1e6]))
@settings(deadline=None)
def test_scores_are_those_of_scipy_and_scikit_learn(rows, seed, ties, offset):
    predicted, gold = draw(rows, seed)
    if ties:
        predicted, gold = np.round(predicted), np.round(gold)
    if np.ptp(predicted) == 0 or np.ptp(gold) == 0:
        return
    predicted, gold = predicted + offset, gold + offset
    got = regression_metrics(predicted, gold, intervals=False)
    assert got == pytest.approx(by_scipy(predicted, gold), abs=1e-7)


@pytest.mark.parametrize("rows", [30, 500])
def test_intervals_are_those_of_drawing_rows(rows):
    """Ties, and ranks that are counted anew in each resample."""
    predicted, gold = (np.round(column, 1) for column in draw(rows))
    drawn = []
    for block in resampled_counts(np.ones(rows, int), seed=2):
        for counts in block:
            drawn.append(by_scipy(np.repeat(predicted, counts), np.repeat(gold, counts)))
    got = regression_metrics(predicted, gold, seed=2)
    for name in ("pearson", "spearman", "rmse"):
        expected = np.quantile([scores[name] for scores in drawn], [0.025, 0.975])
        assert got[f"{name}_ci"] == pytest.approx(expected), name


def test_intervals_of_many_rows_have_the_width_of_theory():
    rows = 60_000
    predicted, gold = draw(rows, noise=0.5)
    got = regression_metrics(predicted, gold)
    low, high = np.tanh(np.arctanh(got["pearson"]) + np.array([-1.96, 1.96]) / math.sqrt(rows))
    assert got["pearson_ci"] == pytest.approx([low, high], abs=0.15 * (high - low))
    low, high = got["rmse_ci"]
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(2 * rows), rel=0.1)
    low, high = got["spearman_ci"]
    assert low < got["spearman"] < high


def test_batches_add_up_to_the_whole(tmp_path):
    predicted, gold = draw(25_000)
    scores = RegressionScores(memory_bytes=1 << 12, folder=tmp_path)
    for start in range(0, 25_000, 999):
        scores.add(predicted[start : start + 999], gold[start : start + 999])
    assert scores.rows == 25_000
    assert scores.result() == regression_metrics(predicted, gold)


@pytest.mark.parametrize(
    ("predicted", "gold", "undefined"),
    [
        ([1, 1, 1], [1, 2, 3], {"pearson", "spearman"}),
        ([1, 2, 3], [0.1, 0.1, 0.1], {"pearson", "spearman", "r2"}),
        ([4], [5], {"pearson", "spearman", "r2"}),
    ],
)
def test_what_is_undefined_is_none(predicted, gold, undefined):
    got = regression_metrics(predicted, gold)
    intervals = {f"{name}_ci" for name in undefined - {"r2"}}
    assert {name for name, value in got.items() if value is None} == undefined | intervals
    assert got["rmse_ci"][0] <= got["rmse"] <= got["rmse_ci"][1]


def test_constant_resamples_are_passed_over():
    got = regression_metrics([0.0, 0.1, 0.9], [0, 0, 1])
    low, high = got["pearson_ci"]
    assert -1 <= low <= high <= 1 + 1e-12


def test_what_is_refused():
    scores = RegressionScores()
    with pytest.raises(InputError, match="there are no rows to score"):
        scores.result()
    with pytest.raises(InputError, match=r"predicted \(2,\), gold \(3,\); expected \(N,\) each"):
        scores.add([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match=r"expected \(N,\) each"):
        scores.add([[1], [2]], [[1], [2]])
    with pytest.raises(InputError, match="predicted holds a number that is not finite"):
        scores.add([1, math.nan], [1, 2])
    assert scores.rows == 0


@pytest.mark.parametrize("metric", ["pearson", "spearman", "rmse"])
def test_a_better_model_is_seen_and_an_equal_one_is_not(metric):
    a, gold = draw(400, noise=1.0)
    b = gold + 0.5 * (a - gold)
    found = paired_difference(gold, a, b, metric=metric)
    expected_a, expected_b = (by_scipy(answers, gold)[metric] for answers in (a, b))
    assert (found.a, found.b) == (pytest.approx(expected_a), pytest.approx(expected_b))
    assert found.difference == pytest.approx(expected_b - expected_a)
    assert found.low < found.difference < found.high
    assert (found.high < 0) if metric == "rmse" else (found.low > 0)
    assert found.p_value < 0.01
    other = gold + np.random.default_rng(5).permutation(a - gold)
    luck = paired_difference(gold, a, other, metric=metric)
    assert luck.low < 0 < luck.high
    assert luck.p_value > 0.01
    same = paired_difference(gold, a, a, metric=metric)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_the_difference_of_many_rows_narrows():
    a, gold = draw(40_000)
    b = gold + np.random.default_rng(7).normal(size=40_000)
    few = paired_difference(gold[:10_000], a[:10_000], b[:10_000])
    many = paired_difference(gold, a, b)
    assert many.high - many.low == pytest.approx((few.high - few.low) / 2, rel=0.2)


def test_comparisons_that_are_refused():
    with pytest.raises(InputError, match="metric is 'r2'; expected one of: pearson, spearman"):
        paired_difference([1, 2], [1, 2], [1, 2], metric="r2")
    with pytest.raises(InputError, match="there are no rows"):
        paired_difference([], [], [])
    with pytest.raises(InputError, match=r"gold \(2,\), predicted_a \(2,\), predicted_b \(1,\)"):
        paired_difference([1, 2], [1, 2], [1])
    with pytest.raises(InputError, match="pearson is undefined: a column is constant"):
        paired_difference([1, 2], [1, 1], [1, 2])
