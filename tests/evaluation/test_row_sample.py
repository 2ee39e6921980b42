from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation.row_sample import RowSample, narrowed


def sampled(rows: np.ndarray, batch: int, **options) -> RowSample:
    sample = RowSample(rows.shape[1], rows.dtype, **options)
    for start in range(0, len(rows), batch):
        sample.add(rows[start : start + batch])
    return sample


def test_few_rows_are_all_kept_in_order():
    rows = np.arange(20, dtype=np.uint8).reshape(10, 2)
    sample = sampled(rows, 3, size=10)
    np.testing.assert_array_equal(sample.rows, rows)
    assert (sample.seen, sample.rows.dtype) == (10, np.uint8)
    assert len(RowSample(2, np.dtype(np.float64)).rows) == 0


@pytest.mark.parametrize("batch", [1, 7, 100, 1000])
def test_the_sample_is_the_same_however_rows_are_cut(batch):
    rows = np.arange(1000.0)[:, None]
    whole = sampled(rows, 1000, size=50, seed=4)
    parts = sampled(rows, batch, size=50, seed=4)
    np.testing.assert_array_equal(parts.rows, whole.rows)
    assert (len(parts.rows), parts.seen) == (50, 1000)
    assert (np.diff(parts.rows[:, 0]) > 0).all(), "rows keep their order"
    assert (sampled(rows, batch, size=50, seed=5).rows != whole.rows).any()


def test_every_row_is_kept_as_often():
    rows = np.arange(40)[:, None]
    kept = np.zeros(40)
    for seed in range(2000):
        kept[sampled(rows, 13, size=10, seed=seed).rows[:, 0]] += 1
    assert kept.sum() == 20_000
    # binomial around 500 with deviation 19: six of them is never
    assert np.abs(kept - 500).max() < 120


def test_narrowed_moves_and_shrinks():
    drawn = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(narrowed(drawn, center=2, value=2, rows=5, seen=5), drawn)
    got = narrowed(drawn, center=2, value=10, rows=25, seen=100)
    np.testing.assert_allclose(got, [9.5, 10, 10.5])
