from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation.bootstrap import (
    bootstrap_intervals,
    percentile_interval,
    resampled_counts,
)
from glossator.evaluation.confusion import Confusion

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the referee here")

MANY = np.array([600, 250, 100, 50])  # few cells, many rows: drawn cell by cell
FEW = np.array([3, 1, 1, 2, 1, 1, 4, 1])  # as many cells as rows: drawn row by row


@pytest.mark.parametrize("counts", [MANY, FEW], ids=["cells", "rows"])
def test_draws_are_multinomial(counts):
    drawn = np.concatenate(list(resampled_counts(counts, resamples=20_000, seed=3)))
    total = counts.sum()
    shares = counts / total
    assert drawn.shape == (20_000, len(counts))
    assert (drawn.sum(axis=1) == total).all()
    np.testing.assert_allclose(drawn.mean(axis=0), counts, rtol=0.05)
    expected = total * (np.diag(shares) - np.outer(shares, shares))
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.05 * expected.max())


def test_blocks_bound_the_memory_and_add_up():
    counts = np.full(5000, 2)
    sizes = [len(block) for block in resampled_counts(counts, resamples=1000)]
    assert len(sizes) > 1
    assert sum(sizes) == 1000
    assert max(sizes) * 5000 <= 2_000_000


def test_interval_of_a_share_is_that_of_the_binomial():
    counts = np.array([80, 20])
    found = bootstrap_intervals(counts, {"share": lambda block: block[:, 0] / 100})
    low, high = found["share"]
    margin = 1.96 * np.sqrt(0.8 * 0.2 / 100)
    assert low == pytest.approx(0.8 - margin, abs=0.02)
    assert high == pytest.approx(0.8 + margin, abs=0.02)
    assert percentile_interval(np.arange(101.0), level=0.9) == pytest.approx((5, 95))


def test_every_resample_is_scored_as_scikit_learn_would():
    random = np.random.default_rng(0)
    table = random.integers(0, 3, (5, 4))  # four classes and a row of unknown labels
    cells = Confusion.from_table(table)
    block = next(resampled_counts(cells.counts, resamples=25))
    accuracies, f1s = cells.accuracy(block), cells.macro_f1(block)
    for sample, accuracy, f1 in zip(block, accuracies, f1s, strict=True):
        gold, predicted = np.repeat(cells.gold, sample), np.repeat(cells.predicted, sample)
        assert accuracy == sklearn.accuracy_score(gold, predicted)
        expected = sklearn.f1_score(gold, predicted, average="macro", zero_division=0)
        assert f1 == pytest.approx(expected)
