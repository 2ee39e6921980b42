"""F1 of relations, held against scorers that are written as the papers say."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation.relations import (
    RelationCounts,
    has_directions,
    paired_relations,
    usual_negative,
    without_direction,
)

NAMES = [f"{name}({way})" for name in ("Cause-Effect", "Part") for way in ("e1,e2", "e2,e1")]
NAMES.append("Other")
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=40)


def counted(pairs, negative="Other", directed=True):
    counts = RelationCounts(negative, directed=directed)
    for gold, answered in pairs:
        counts.add(gold, answered)
    return counts


def official(pairs):
    """As the scorer of SemEval-2010 task 8 does it, (9+1)-way with directions.

    It has a table of relations without directions, and one column more, for answers of the right
    relation the other way round, which are in no other column.
    """
    table, turned, gold_of = {}, {}, {}
    for gold, answered in pairs:
        a, b = gold.split("(")[0], answered.split("(")[0]
        gold_of[a] = gold_of.get(a, 0) + 1
        if a == b and gold != answered:
            turned[a] = turned.get(a, 0) + 1
        else:
            table[a, b] = table.get((a, b), 0) + 1
    found = []
    for name in sorted({x.split("(")[0] for pair in pairs for x in pair} - {"Other"}):
        right = table.get((name, name), 0)
        answers = sum(n for (_, b), n in table.items() if b == name) + turned.get(name, 0)
        precision = right / answers if answers else 0.0
        recall = right / gold_of[name] if gold_of.get(name) else 0.0
        both = precision + recall
        found.append(2 * precision * recall / both if both else 0.0)
    return sum(found) / len(found) if found else None


@given(PAIRS)
def test_with_directions_macro_f1_is_the_official_score(pairs):
    found = counted(pairs).result(intervals=False)["macro_f1"]
    expected = official(pairs)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_relation_the_other_way_round_is_wrong_twice():
    """The scorer's own table: 170 answers and 2 turned round, of 178 rows 153 are right."""
    one, other = "Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)"
    pairs = [(one, one)] * 153 + [(one, other)] * 2
    pairs += [(one, "Part(e1,e2)")] * 23 + [("Other", one)] * 17
    (found,) = [x for x in counted(pairs).report() if x.name == "Cause-Effect"]
    assert (found.precision, found.recall) == pytest.approx((0.8895, 0.8596), abs=5e-5)
    assert (found.support, found.turned) == (178, 2)


@given(PAIRS)
def test_micro_f1_leaves_the_negative_name_out(pairs):
    """As the scorer of TACRED."""
    right = sum(a == b != "Other" for a, b in pairs)
    answered, gold = (sum(pair[i] != "Other" for pair in pairs) for i in (1, 0))
    found = counted(pairs).result(intervals=False)
    if not answered + gold:
        assert found["micro_f1"] is found["macro_f1"] is None
        assert found["accuracy"] == 1
        return
    precision = right / answered if answered else 0.0
    recall = right / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    assert found["micro_f1"] == pytest.approx(f1)
    assert (found["precision"], found["recall"]) == (precision, recall)


@given(PAIRS)
def test_without_a_negative_name_micro_f1_is_accuracy(pairs):
    found = counted(pairs, negative=None, directed=False).result(intervals=False)
    assert found["micro_f1"] == pytest.approx(found["accuracy"])


def test_the_negative_name_lowers_precision_and_has_no_f1():
    pairs = [("a", "a"), ("Other", "a"), ("Other", "Other"), ("b", "Other")]
    counts = counted(pairs, directed=False)
    assert [x.name for x in counts.report()] == ["a", "b"]
    found = counts.result(intervals=False)
    assert found["precision"] == found["recall"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


@given(PAIRS, st.randoms(use_true_random=False))
def test_scores_do_not_hang_on_the_order_of_rows(pairs, draw):
    other = pairs[:]
    draw.shuffle(other)
    assert counted(pairs).result() == counted(other).result()


def test_intervals_hold_the_score():
    draw = random.Random(0)
    pairs = [(x, x if draw.random() < 0.7 else draw.choice(NAMES)) for x in NAMES * 40]
    found = counted(pairs).result()
    for name in ("accuracy", "macro_f1", "micro_f1"):
        low, high = found[f"{name}_ci"]
        assert low < found[name] < high
        assert high - low < 0.2


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="no rows"):
        RelationCounts(None).result()


@pytest.mark.parametrize(
    ("name", "relation"),
    [
        ("Cause-Effect(e1,e2)", "Cause-Effect"),
        ("Cause-Effect (e2, e1)", "Cause-Effect"),
        ("merged (2019)", "merged (2019)"),
        ("(e1,e2)", "(e1,e2)"),
        ("a(e1,e1)", "a(e1,e1)"),
        ("合并(e2,e1)", "合并"),
    ],
)
def test_the_direction_is_read_off_the_name(name, relation):
    assert without_direction(name) == relation


def test_directions_are_of_all_names_or_none():
    assert has_directions(NAMES, "Other")
    assert not has_directions(NAMES, None)
    assert not has_directions([*NAMES, "merged"], "Other")
    assert not has_directions(["Other"], "Other")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"a": 3, "Other": 2}, "Other"),
        ({"NA": 1, "no_relation": 5, "a": 9}, "no_relation"),
        ({"No Relation": 1}, "No Relation"),
        ({"unknown": 4, "合并": 2}, "unknown"),
        ({"another": 4, "nation": 2}, None),
    ],
)
def test_the_usual_names_of_no_relation_are_known(names, expected):
    assert usual_negative(names) == expected


def test_two_models_are_compared_on_the_same_rows():
    gold = NAMES * 30
    better = [x if i % 5 else "Other" for i, x in enumerate(gold)]
    worse = [x if i % 2 else "Part(e1,e2)" for i, x in enumerate(gold)]
    counts = RelationCounts("Other", directed=True)
    found = paired_relations("macro_f1", counts, gold, worse, better)
    assert found.a == pytest.approx(official(list(zip(gold, worse, strict=True))))
    assert found.b == pytest.approx(official(list(zip(gold, better, strict=True))))
    assert found.low <= found.difference <= found.high
    assert found.p_value < 0.01
    same = paired_relations("micro_f1", counts, gold, worse, worse)
    assert (same.difference, same.p_value) == (0, 1)
    with pytest.raises(InputError):
        paired_relations("accuracy", counts, [], [], [])


def test_the_confusion_matrix_leaves_unknown_names_out():
    counts = counted([("a", "a"), ("a", "b"), ("new", "a")], directed=False)
    np.testing.assert_array_equal(counts.confusion(["a", "b"]), [[1, 1], [0, 0]])
