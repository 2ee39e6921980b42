"""A model held against a table: in chunks, with unknown labels and rows that cannot be used."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from label_records import read

from glossator.artifact.scoring import chunks, compare, evaluate
from glossator.errors import TableError
from glossator.evaluation.figures import Matrix
from glossator.evaluation.metrics import classification_metrics
from glossator.tasks.kinds.text_classification.config import Decision
from glossator.text.rows import Rejection

LABELS = ("card", "film", "market")
WORDS = ["card", "is", "my", "new", "good", "film", "the", "market", "fell", "slow", "boring"]


def labelled(number, text, label):
    return read(text, label, number, "t.csv")


def texts_of(items):
    return [item.texts[0] for item in items]


@pytest.fixture
def items():
    random = np.random.default_rng(1)
    return [
        labelled(i, " ".join(random.choice(WORDS, random.integers(1, 40))), LABELS[i % 3])
        for i in range(120)
    ]


@pytest.mark.parametrize("chunk", [1, 7, 120, 10_000])
def test_in_chunks_the_scores_are_those_of_one_go(predictor, items, chunk):
    whole = predictor.answers(texts_of(items))
    gold = np.array([LABELS.index(item.target) for item in items])
    expected = classification_metrics(whole.probabilities, gold, LABELS)
    told = []
    table = evaluate(predictor, iter(items), chunk=chunk, progress=told.append)
    assert table.metrics.keys() == expected.keys()
    for name, value in expected.items():
        assert table.metrics[name] == pytest.approx(value, rel=1e-5), name
    assert (table.read, table.used, table.rejected, sum(told)) == (120, 120, 0, 120)


def test_rows_read_are_rows_used_and_rejected(predictor, items):
    items[3] = Rejection("t.csv", 3, "ragged", "too few fields")
    items[5] = labelled(5, " \u200b\t", "card")
    items[8] = labelled(8, "card", "  ")
    table = evaluate(predictor, items, chunk=10)
    assert (table.read, table.used, table.rejected) == (120, 117, 3)
    assert [(r.line, r.kind) for r in table.rejections] == [
        (3, "ragged"),
        (5, "empty_text"),
        (8, "empty_label"),
    ]


def test_many_rejections_are_counted_and_few_kept(predictor, items):
    bad = [Rejection("t.csv", i, "ragged", "too few fields") for i in range(500)]
    table = evaluate(predictor, [*bad, *items])
    assert (table.rejected, len(table.rejections)) == (500, 20)


def test_labels_that_the_model_lacks_count_as_wrong(predictor, items):
    known = evaluate(predictor, items)
    strange = [*items, *(labelled(i, "card", "weather") for i in range(40))]
    table = evaluate(predictor, strange)
    (remark,) = (x for x in table.scores.remarks() if x.kind != "no_skill")  # it is untrained
    assert (remark.kind, remark.count, remark.examples) == ("unknown_label", 40, ("weather",))
    assert remark.message.endswith("counted as wrong: 'weather' (40)")
    assert "unknown_label" not in [x.kind for x in known.scores.remarks()]
    assert table.metrics["unknown_labels"] == 40
    assert table.metrics["accuracy"] == pytest.approx(known.metrics["accuracy"] * 120 / 160)


@pytest.mark.parametrize("items", [[], [Rejection("t.csv", 1, "ragged", "too few fields")]])
def test_nothing_to_score(predictor, items):
    with pytest.raises(TableError, match="no row can be scored"):
        evaluate(predictor, items)
    with pytest.raises(TableError, match="no row can be compared"):
        compare(predictor, predictor, items)


def test_the_threshold_decides_here_as_in_predict(predictor_of, items):
    model = predictor_of(["card", "film"])
    items = [item for item in items if item.target != "market"]
    texts = texts_of(items)
    chances = model.predict_proba(texts)[:, 1]
    seen = set()
    for threshold in (*np.quantile(chances, [0.2, 0.8]).tolist(), None):
        model.use(model.task.deciding(Decision(temperature=1.7, threshold=threshold)))
        answered = [answer.label for answer in model.predict(texts)]
        sections = evaluate(model, items).scores.sections("scored")
        figures = [figure for section in sections for figure in section.figures]
        (counts,) = (figure.counts for figure in figures if isinstance(figure, Matrix))
        assert counts.sum(0).tolist() == [answered.count("card"), answered.count("film")]
        seen.add(counts.sum(0)[1])
    assert len(seen) > 1, "the threshold decides nothing here"


def test_a_model_compared_with_itself_is_no_better(predictor, items):
    found = compare(predictor, predictor, items, chunk=50)
    assert (found.rows, found.rejected) == (120, 0)
    accuracy, mcnemar = found.paired.differences[0], found.paired.tests["mcnemar"]
    assert (accuracy.metric, accuracy.difference, found.paired.p_value) == ("accuracy", 0.0, 1.0)
    assert (mcnemar["only_a"], mcnemar["only_b"], mcnemar["p_value"]) == (0, 0, 1.0)
    assert found.paired.same


def test_models_with_other_labels_can_be_compared(predictor_of, predictor, items):
    other = predictor_of(["film", "market", "news"])
    found = compare(predictor, other, items)
    answers = [m.predict(texts_of(items)) for m in (predictor, other)]
    right = [
        np.array([a.label == item.target for a, item in zip(each, items, strict=True)])
        for each in answers
    ]
    accuracy, mcnemar = found.paired.differences[0], found.paired.tests["mcnemar"]
    assert accuracy.a == pytest.approx(right[0].mean())
    assert accuracy.b == pytest.approx(right[1].mean())
    assert accuracy.difference == pytest.approx(right[1].mean() - right[0].mean())
    assert mcnemar["only_a"] == (right[0] & ~right[1]).sum()
    assert found.paired.p_value == mcnemar["p_value"]
    assert found.paired.b_is_better == (mcnemar["only_b"] > mcnemar["only_a"])


def test_chunks_are_small_where_texts_are_long():
    items = [labelled(i, "x" * 10**6, "card") for i in range(12)]
    sizes = [len(rows) for rows in chunks(items, lambda _: None, 2048)]
    assert sum(sizes) == 12
    assert max(sizes) <= 5


def test_memory_does_not_grow_with_the_rows(predictor):
    """Two classes would keep 8 bytes a row for the ROC AUC; three keep 16."""

    def stream(count):
        return (labelled(i, f"card {i % 9}", LABELS[i % 3]) for i in range(count))

    def peak(count):
        tracemalloc.start()
        evaluate(predictor, stream(count), chunk=256)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(256)
    few, many = peak(512), peak(4096)
    assert many - few < 3584 * 80, "more than the scores keep of a row"
    tracemalloc.start()
    kept = [predictor.answers([f"card {i}" for i in range(256)]) for _ in range(14)]
    leaked, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 14
    assert leaked > 3584 * 80, "a leak would not be seen"


def test_two_classes_keep_their_right_class_and_probability_of_a_row_and_no_more(predictor_of):
    """16 bytes a row for the ROC AUC; the curve over thresholds is counts. No model answers."""
    task = predictor_of(["card", "film"]).task
    records = [labelled(i, "card", ("card", "film")[i % 2]) for i in range(1000)]
    answers = list(np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32))

    def kept(count):
        tracemalloc.start()
        scores = task.scores()
        for _ in range(count):
            scores.add(records, [()] * 1000, answers)
        bytes_now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        (curve,) = (s for s in scores.sections("scored") if "threshold" in str(s))
        assert curve.figures
        return bytes_now

    kept(1)
    few, many = kept(2), kept(20)
    assert many - few < 18_000 * 20
