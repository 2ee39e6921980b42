"""How well texts answer a query: losses, orders, scores, and that others give the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from task_rows import judged

import glossator
from glossator.artifact.opening import load
from glossator.errors import ConfigError
from glossator.evaluation.retrieval import graded
from glossator.tasks.kinds.text_ranking.config import Options
from glossator.tasks.kinds.text_ranking.task import KIND, TextRanking
from glossator.tasks.learnable import filler
from glossator.tasks.ranking_losses import listwise, pairwise, pointwise
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row
from glossator.text.tokenizer import Tokenizer

COLUMNS = {name: (name,) for name in ("text", "text_pair", "label")}


def read(*, targets=True, **values):
    row = {"text": "where ?", "text_pair": "here", "label": 1, **values}
    return KIND.reader(COLUMNS, Options()).read(Row("t", 3, row), targets=targets)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"text": " "}, "empty_text"),
        ({"text_pair": ""}, "empty_text_pair"),
        ({"label": "good"}, "not_a_number"),
        ({"label": -1}, "below_zero"),
        ({"label": True}, "not_a_number"),
    ],
)
def test_a_row_that_says_too_little_is_rejected_by_name(values, kind):
    found = read(**values)
    assert isinstance(found, Rejection)
    assert found.kind == kind


def test_candidates_of_a_query_stay_together():
    one, other = read(text_pair="here"), read(text_pair="there", label="0")
    assert isinstance(one, Record)
    assert one.together == other.together == "where ?"
    assert other.target == 0
    assert read(targets=False).target is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{}, {"text": "b"}], {"no_order": "error"}),
        ([{}, {"label": 0}], {"queries": "info"}),
        ([{}, {"label": 0}, {"text": "b"}], {"queries": "info", "one_grade": "warning"}),
    ],
)
def test_what_there_is_no_order_in_is_told_beforehand(rows, expected):
    examiner = KIND.reader(COLUMNS, Options()).examiner()
    for values in rows:
        examiner.add("train", read(**values))
    assert {x.kind: x.severity for x in examiner.findings()} == expected


# Losses


SCORES = torch.tensor([1.0, -0.5, 2.0, 0.3, 0.1])
GRADES = torch.tensor([2.0, 0.0, 1.0, 0.0, 0.0])
QUERIES = torch.tensor([7, 7, 7, 9, 9])


def test_all_candidates_of_a_query_are_one_list():
    total, parts = listwise(SCORES, GRADES, QUERIES)
    chances = SCORES[:3].log_softmax(0)
    expected = -(3 / 4 * chances[0] + 1 / 4 * chances[2])
    assert float(total) == pytest.approx(float(expected), rel=1e-6)
    assert float(parts) == pytest.approx(1)  # the other query has nothing to find


def test_each_better_candidate_is_held_against_each_worse_one():
    total, parts = pairwise(SCORES, GRADES, QUERIES)
    pairs = [(0, 1), (0, 2), (2, 1)]
    losses = [np.log1p(np.exp(float(SCORES[b] - SCORES[a]))) for a, b in pairs]
    assert float(total) == pytest.approx(np.mean(losses), rel=1e-5)
    assert float(parts) == pytest.approx(1)


def test_a_candidate_alone_is_relevant_or_not():
    total, count = pointwise(SCORES, GRADES, 2.0)
    chances = 1 / (1 + np.exp(-SCORES.numpy()))
    wanted = GRADES.numpy() / 2
    expected = -(wanted * np.log(chances) + (1 - wanted) * np.log(1 - chances)).sum()
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(count) == 5


@pytest.mark.parametrize("loss", [listwise, pairwise])
def test_a_loss_does_not_hang_on_the_order_or_on_other_queries(loss):
    order = torch.tensor([3, 2, 0, 4, 1])
    total, parts = loss(SCORES, GRADES, QUERIES)
    again, same = loss(SCORES[order], GRADES[order], QUERIES[order])
    alone, one = loss(SCORES[:3], GRADES[:3], QUERIES[:3])
    for other, count in ((again, same), (alone, one)):
        assert float(other) == pytest.approx(float(total), rel=1e-6)
        assert float(count) == pytest.approx(float(parts))


@pytest.mark.parametrize("loss", [listwise, pairwise])
def test_nothing_relevant_is_no_loss_and_a_gradient_of_nothing(loss):
    scores = SCORES.clone().requires_grad_()
    total, parts = loss(scores, torch.zeros(5), QUERIES)
    (gradient,) = torch.autograd.grad(total, scores)
    assert (float(total.detach()), float(parts)) == (0, 0)
    assert gradient.tolist() == [0] * 5


# The task


@pytest.fixture(scope="module")
def task(tiny_model_folder):
    return TextRanking(Tokenizer.load(tiny_model_folder), max_length=12)


def test_of_a_long_text_the_best_window_counts(task):
    records = [read(text_pair="card film market " * 8), read(text_pair="card", label=0)]
    rows = task.encode(records)
    assert rows[0].windows > 1
    examples = [e for row in rows for e in row]
    logits = torch.arange(float(len(examples)))[:, None] / 10
    total, parts = task.compare(logits, task.collate(examples, 0))
    best = torch.tensor([(len(rows[0]) - 1) / 10, len(rows[0]) / 10])
    assert float(total) == pytest.approx(-float(best.log_softmax(0)[0]), rel=1e-5)
    assert float(parts) == 1
    answers = logits[: len(rows[0])].numpy()
    assert task.combine(records[0], rows[0], list(answers)) == answers.max()


def test_what_fills_a_batch_up_is_no_candidate(task):
    examples = [e for row in task.encode([read(), read(text_pair="b", label=0)]) for e in row]
    logits = torch.tensor([[0.2], [0.4]])
    total, _ = task.compare(logits, task.collate(examples, 0))
    filled = [*examples, filler(examples[0], 5, task.specs)]
    again, _ = task.compare(torch.cat([logits, torch.ones(1, 1)]), task.collate(filled, 0))
    assert float(again) == float(total)


def test_candidates_stand_side_by_side(task):
    texts = [f"q{i % 6}" for i in range(30)]
    rows = task.encode([read(text=text, text_pair=str(i)) for i, text in enumerate(texts)])
    order = task.order(rows, 1, 0)
    assert sorted(order.tolist()) == list(range(30))
    found = [texts[i] for i in order.tolist()]
    assert len([1 for a, b in itertools.pairwise(found) if a != b]) == 5
    assert order.tolist() == task.order(rows, 1, 0).tolist() != task.order(rows, 1, 1).tolist()


# Scores


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), min_size=1, max_size=14).filter(
        lambda rows: any(grade for _, grade in rows)
    )
)
def test_measures_are_those_that_one_counts(rows):
    scores, grades = np.array(rows, np.float64).T
    ndcg, reciprocal, recall = graded(scores, grades, at=10)
    # The less relevant of two equal ones stands first.
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], grades[i]))
    ranked = [int(grades[i]) for i in order]

    def gain(grades):
        return sum((2**g - 1) / np.log2(place + 2) for place, g in enumerate(grades[:10]))

    assert ndcg == pytest.approx(gain(ranked) / gain(sorted(ranked, reverse=True)))
    assert reciprocal == pytest.approx(1 / (1 + next(i for i, g in enumerate(ranked) if g)))
    assert recall == pytest.approx(sum(g > 0 for g in ranked[:10]) / sum(g > 0 for g in ranked))


def test_scores_are_over_queries_that_have_something_to_find(task):
    scores = task.scores()
    rows = [("a", 2.0, 1), ("a", 3.0, 0), ("b", 1.0, 1), ("b", 0.0, 0), ("c", 0.0, 0)]
    records = [read(text=query, text_pair=str(i), label=g) for i, (query, _, g) in enumerate(rows)]
    scores.add(records, [], [np.array([x], np.float32) for _, x, _ in rows])
    found = scores.result()
    assert found["mrr"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["recall"] == 1
    assert [x.kind for x in scores.remarks()] == ["nothing_relevant"]
    (misses,) = [x for x in scores.sections("dev") if x.id == "misses"]
    (quote,) = misses.figures[0].quotes
    assert (quote.text, quote.gold, quote.answer) == ("a", "0", "1")


# Elsewhere


def test_a_cross_encoder_gives_the_same_scores(tiny_model_folder, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = glossator.fit(
        judged(), task="text-ranking", model=str(tiny_model_folder), epochs=1, max_length=64,
        precision="float32", progress=False,
    )  # fmt: skip
    model.save(tmp_path / "ranker")
    pairs = [("card", "the card"), ("film 2", "the film was slow ."), ("市场", "bank")]
    ours = [x.score for x in load(tmp_path / "ranker").predict(pairs)]
    theirs = sentence_transformers.CrossEncoder(str(tmp_path / "ranker"), device="cpu")
    np.testing.assert_allclose(ours, theirs.predict(pairs), atol=1e-5)


def test_an_option_that_is_none_is_refused(tiny_model_folder):
    with pytest.raises(ConfigError, match="ranking_loss"):
        glossator.fit(
            judged(), task="text-ranking", model=str(tiny_model_folder), ranking_loss="best"
        )
