"""Rules that tell a row that belongs to no class."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.evaluation.out_of_scope import NEEDS, RULES, Regions, cut_keeping, scope_scores
from glossator.evaluation.ranking import roc_auc, roc_auc_interval

CLASSES, WIDTH = 4, 6


@pytest.fixture
def places():
    return np.random.default_rng(0).normal(size=(CLASSES, WIDTH)) * 4


def rows(places, count, seed, strange=False):
    """Features round the places of classes, stretched along one axis; logits of their nearness."""
    draw = np.random.default_rng(seed)
    gold = draw.integers(0, len(places), count)
    around = draw.normal(size=(count, WIDTH)) * np.linspace(0.3, 2, WIDTH)
    features = around + (0 if strange else places[gold])
    logits = -((features[:, None] - places) ** 2).sum(axis=2) / 10
    return logits.astype(np.float32), features.astype(np.float32), gold


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_tells_the_strange_from_the_known(places, rule):
    _, features, gold = rows(places, 400, 1)
    regions = Regions.fit(features, gold, CLASSES)
    known, strange = rows(places, 300, 2)[:2], rows(places, 300, 3, strange=True)[:2]
    numbers = np.concatenate([scope_scores(rule, *x, regions) for x in (known, strange)])
    assert roc_auc(numbers, np.arange(600) >= 300) > 0.85
    cut = cut_keeping(numbers[:300], 0.9)
    assert (numbers[:300] <= cut).mean() == pytest.approx(0.9, abs=0.005)


def test_the_distance_is_that_of_mahalanobis(places):
    logits, features, gold = rows(places, 500, 1)
    regions = Regions.fit(features, gold, CLASSES)
    means = np.stack([features[gold == c].mean(axis=0) for c in range(CLASSES)])
    around = features - means[gold]
    spread = around.T @ around / len(around)
    inverse = np.linalg.inv(spread + 0.01 * spread.trace() / WIDTH * np.eye(WIDTH))
    expected = [
        min(float(np.sqrt((x - m) @ inverse @ (x - m))) for m in means) for x in features[:50]
    ]
    found = scope_scores("mahalanobis", logits[:50], features[:50], regions)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_softmax_and_energy_by_hand():
    logits = np.log(np.array([[1.0, 1, 2], [4, 1, 5]], np.float32))
    none = np.zeros((2, 0), np.float32)
    softmax = scope_scores("softmax", logits, none, Regions())
    np.testing.assert_allclose(softmax, [0.5, 0.5], rtol=1e-6)
    energy = scope_scores("energy", logits, none, Regions())
    np.testing.assert_allclose(energy, -np.log([4, 10]), rtol=1e-6)
    without = np.array([2, 2])
    softmax = scope_scores("softmax", logits, none, Regions(), without)
    np.testing.assert_allclose(softmax, [0.5, 0.2], rtol=1e-6)


# Of softmax the second class may be surer than the first was.
@pytest.mark.parametrize("rule", ["energy", "mahalanobis", "neighbours"])
def test_a_row_whose_class_is_taken_away_is_stranger(places, rule):
    logits, features, gold = rows(places, 400, 1)
    regions = Regions.fit(features, gold, CLASSES)
    usual = scope_scores(rule, logits, features, regions)
    alone = scope_scores(rule, logits, features, regions, gold)
    assert (alone >= usual).mean() > 0.98
    assert alone.mean() > usual.mean()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_asks_for_the_arrays_that_it_names_alone(places, rule):
    logits, features, gold = rows(places, 50, 1)
    regions = Regions.fit(features, gold, CLASSES)
    kept = Regions(**{name: getattr(regions, name) for name in NEEDS[rule]})
    whole, part = (scope_scores(rule, logits, features, r) for r in (regions, kept))
    np.testing.assert_array_equal(whole, part)


def test_rows_are_the_same_alone_and_among_many(places):
    """More rows than are looked at together."""
    logits, features, gold = rows(places, 2500, 1)
    regions = Regions.fit(features, gold, CLASSES)
    for rule in RULES:
        whole = scope_scores(rule, logits, features, regions)
        alone = [scope_scores(rule, logits[i : i + 1], features[i : i + 1], regions)[0]
                 for i in (0, 1023, 1024, 2499)]  # fmt: skip
        np.testing.assert_allclose(alone, whole[[0, 1023, 1024, 2499]], rtol=1e-4, atol=1e-6)


def test_the_bank_holds_some_of_each_class(places, monkeypatch):
    monkeypatch.setattr("glossator.evaluation.out_of_scope._BANK", 40)
    _, features, gold = rows(places, 4000, 1)
    gold = np.minimum(gold, 2)  # one class without rows, one twice as frequent
    regions = Regions.fit(features, gold, CLASSES)
    assert np.bincount(regions.owners, minlength=CLASSES).tolist() == [13, 13, 13, 0]
    lengths = np.linalg.norm(regions.bank, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    near = scope_scores("mahalanobis", np.zeros((1, 4), np.float32), features[:1], regions)
    assert np.isfinite(near).all()


def test_the_interval_of_an_area_holds_it_as_often_as_it_says():
    """Two normal groups a standard deviation apart: 0.7602."""
    held = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        scores = np.concatenate([draw.normal(size=60), draw.normal(size=40) + 1])
        low, high = roc_auc_interval(scores, np.arange(100) >= 60)
        held += low <= 0.7602 <= high
    assert 0.91 < held / 300 < 0.985
    assert roc_auc_interval(np.zeros(3), np.zeros(3, bool)) is None
