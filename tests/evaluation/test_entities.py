from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import EntityErrors, EntityScores
from glossator.text.tagging import Span, spans_of, tag_names

LABELS = ["org", "person", "place"]


def spans(text: str) -> list[Span]:
    """`0-2 org, 5-6 place` as spans."""
    words = [part.split() for part in text.split(",") if part.strip()]
    return [Span(*map(int, where.split("-")), label) for where, label in words]


def scored(*rows: tuple[str, str], labels=LABELS, **options) -> EntityScores:
    scores = EntityScores(labels, **options)
    scores.add([spans(gold) for gold, _ in rows], [spans(found) for _, found in rows])
    return scores


one_span = st.builds(
    lambda start, width, label: Span(start, start + width, label),
    st.integers(0, 6),
    st.integers(1, 3),
    st.sampled_from(LABELS),
)
rows = st.lists(st.tuples(*[st.lists(one_span, max_size=5)] * 2), min_size=1, max_size=6)


def by_hand(pairs) -> tuple[int, int, int]:
    hits = sum(len(set(gold) & set(found)) for gold, found in pairs)
    found = sum(len(set(found)) for _, found in pairs)
    return hits, found, sum(len(set(gold)) for gold, _ in pairs)


def f1(hits, found, gold) -> float:
    return 2 * hits / (found + gold) if found + gold else 0.0


@given(rows)
@settings(deadline=None)
def test_scores_are_counted_span_by_span(pairs):
    scores = EntityScores(LABELS, intervals=False)
    scores.add([gold for gold, _ in pairs], [found for _, found in pairs])
    got = scores.result()
    hits, found, gold = by_hand(pairs)
    assert got["precision"] == (hits / found if found else 0)
    assert got["recall"] == (hits / gold if gold else 0)
    assert got["f1"] == pytest.approx(f1(hits, found, gold))
    assert (got["entities"], got["rows"], got["unknown_labels"]) == (gold, len(pairs), 0)
    of_label = {}
    for score in scores.report():
        own = [[[s for s in side if s.label == score.label] for side in pair] for pair in pairs]
        hits, found, gold = by_hand(own)
        assert score.support == gold
        assert score.f1 == pytest.approx(f1(hits, found, gold))
        assert score.precision == pytest.approx(hits / found if found else 0)
        assert score.recall == pytest.approx(hits / gold if gold else 0)
        if found + gold:
            of_label[score.label] = score.f1
    assert got["macro_f1"] == pytest.approx(np.mean([*of_label.values()]) if of_label else 0)


@given(rows)
@settings(deadline=None)
def test_every_span_has_one_fate(pairs):
    scores = EntityScores(LABELS, intervals=False)
    scores.add([gold for gold, _ in pairs], [found for _, found in pairs])
    hits, found, gold = by_hand(pairs)
    errors = scores.errors()
    shared = errors.right + errors.wrong_label + errors.wrong_border
    assert errors.right == hits
    assert (shared + errors.missed, shared + errors.invented) == (gold, found)
    assert min(errors.missed, errors.invented, errors.wrong_border, errors.wrong_label) >= 0
    table = scores.confusion()
    assert (table[:-1].sum(), table[:, :-1].sum(), table[-1, -1]) == (gold, found, 0)
    assert np.trace(table) == hits


def test_scores_are_those_of_seqeval():
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
    random = np.random.default_rng(0)
    tags = random.choice(tag_names(LABELS, "BIO"), (2, 200, 12)).tolist()
    scores = EntityScores(LABELS, intervals=False)
    scores.add(*[[spans_of(row) for row in side] for side in tags])
    got = scores.result()
    for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1")):
        score = getattr(seqeval, f"{theirs}_score")
        assert got[ours] == pytest.approx(score(*tags))
    assert got["macro_f1"] == pytest.approx(seqeval.f1_score(*tags, average="macro"))


@pytest.mark.parametrize(
    ("gold", "found", "kinds"),
    [
        ("0-2 org", "0-2 org", (1, 0, 0, 0, 0)),
        ("0-2 org", "0-2 place", (0, 1, 0, 0, 0)),
        ("0-2 org", "0-3 org", (0, 0, 1, 0, 0)),
        ("0-2 org", "1-3 place", (0, 0, 0, 1, 1)),
        ("0-2 org", "2-3 org", (0, 0, 0, 1, 1)),
        ("0-2 org", "", (0, 0, 0, 1, 0)),
        ("", "0-2 org", (0, 0, 0, 0, 1)),
        ("", "", (0, 0, 0, 0, 0)),
        # one long answer for two gold spans stands for one of them
        ("0-2 org, 3-5 org", "0-5 org", (0, 0, 1, 1, 0)),
        ("0-5 org", "0-2 org, 3-5 org", (0, 0, 1, 0, 1)),
        # nested, and two labels of the same borders
        ("0-4 org, 0-2 place", "0-4 org, 0-2 place", (2, 0, 0, 0, 0)),
        ("0-2 org, 0-2 place", "0-2 org, 0-2 person", (1, 1, 0, 0, 0)),
        # a span that is right is not at hand for another
        ("0-2 org, 1-3 org", "1-3 org", (1, 0, 0, 1, 0)),
    ],
)
def test_kinds_of_error(gold, found, kinds):
    names = ("right", "wrong_label", "wrong_border", "missed", "invented")
    assert scored((gold, found)).errors() == EntityErrors(**dict(zip(names, kinds, strict=True)))


def test_confusion_is_of_labels_at_the_same_borders():
    scores = scored(("0-2 org, 3-4 org, 6-8 person", "0-2 place, 3-4 org, 6-7 person, 9-10 place"))
    expected = np.zeros((4, 4), int)
    expected[0, 2] = expected[0, 0] = expected[1, 3] = expected[3, 1] = expected[3, 2] = 1
    np.testing.assert_array_equal(scores.confusion(), expected)


def test_a_gold_label_that_the_model_lacks_is_missed():
    rows = [("0-2 org, 3-4 event, 5-6 event", "0-2 org, 3-4 place"), ("", "")]
    got = scored(*rows)
    result = got.result()
    assert (result["entities"], result["unknown_labels"]) == (3, 2)
    assert result["recall"] == pytest.approx(1 / 3)
    assert result["precision"] == pytest.approx(1 / 2)
    assert result["macro_f1"] == pytest.approx(1 / 3), "org 1, place 0, the unknown ones 0"
    assert [score.support for score in got.report()] == [1, 0, 0]
    assert got.errors().wrong_label == 1
    known = scored(*rows, labels=[*LABELS, "event"]).result()
    assert known["f1"] == result["f1"]


def test_what_is_refused():
    scores = EntityScores(LABELS)
    with pytest.raises(InputError, match="there are no rows to score"):
        scores.result()
    with pytest.raises(InputError, match="gold has 1 rows and predicted 2"):
        scores.add([[]], [[], []])
    with pytest.raises(
        InputError, match="label 'event' was predicted; the labels are: org, person"
    ):
        scores.add([[]], [[Span(0, 1, "event")]])


def noisy(count: int, seed: int = 0):
    """Rows of up to four spans, of which four in five are found and one in ten is invented."""
    random = np.random.default_rng(seed)
    gold, found = [], []
    for _ in range(count):
        here = [Span(3 * k, 3 * k + 2, str(random.choice(LABELS))) for k in range(4)]
        here = [span for span in here if random.random() < 0.6]
        gold.append(here)
        found.append([s for s in here if random.random() < 0.8])
        if random.random() < 0.1:
            found[-1].append(Span(20, 21, "org"))
    return gold, found


def test_batches_add_up_to_the_whole():
    gold, found = noisy(100)
    whole, parts = EntityScores(LABELS), EntityScores(LABELS)
    whole.add(gold, found)
    for start in range(0, 100, 7):
        parts.add(gold[start : start + 7], found[start : start + 7])
    assert parts.result() == whole.result()
    assert parts.errors() == whole.errors()


def test_intervals_are_those_of_drawing_rows_by_hand():
    gold, found = noisy(300)
    scores = EntityScores(LABELS, seed=3)
    scores.add(gold, found)
    got = scores.result()
    random = np.random.default_rng(9)
    cells = np.array([by_hand([pair]) for pair in zip(gold, found, strict=True)])
    drawn = cells[random.integers(0, 300, (4000, 300))].sum(axis=1)
    low, high = np.quantile(2 * drawn[:, 0] / (drawn[:, 1] + drawn[:, 2]), [0.025, 0.975])
    assert got["f1_ci"] == pytest.approx([low, high], abs=0.006)
    for name in ("precision", "recall", "f1"):
        low, high = got[f"{name}_ci"]
        assert low < got[name] < high
    again = EntityScores(LABELS, seed=3)
    again.add(gold, found)
    assert again.result() == got
    assert "f1_ci" not in scored(("", ""), intervals=False).result()


def test_memory_does_not_grow_with_rows():
    gold, found = noisy(200)
    scores = EntityScores(LABELS)
    scores.add(gold, found)
    tracemalloc.start()
    for _ in range(50):
        scores.add(gold, found)
    scores.result()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scores.rows == 10_200
    assert peak < 10 << 20
