from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from label_records import records
from torch.nn import functional as F

from glossator.errors import ConfigError
from glossator.tasks.kinds.text_classification.config import Decision, Options
from glossator.tasks.kinds.text_classification.examiner import LabelExaminer
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.text_classification.several import SeveralLabels
from glossator.tasks.kinds.text_classification.task import KIND
from glossator.tasks.learnable import Encoded
from glossator.tasks.task import Base
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

LIMIT = 14  # of the 16 tokens of a window, two are special


def batch_of(task, texts, labels):
    """All windows of rows with labels."""
    return task.collate([e for row in task.encode(records(texts, labels)) for e in row], 0)


def decoded(task, logits, *, n_tokens=1, windows=1, top_k=3):
    (record,) = records(["a text"])
    row = Encoded((), n_tokens, windows)
    return task.asked(top_k=top_k).decode(record, row, logits)


def tokens_of(row):
    """The text's tokens, put together again from its windows."""
    found = {}
    for example in row:
        for place, token in zip(range(*example.span), example.tokens[1:-1], strict=True):
            assert found.setdefault(place, token) == token
    return [found[i] for i in range(len(found))]


@pytest.mark.parametrize("count", [0, 1, 13, 14, 15, 28, 100])
def test_windows_hold_every_token_and_share_a_quarter(task, count):
    text = " ".join(str(i % 10) for i in range(count))
    (row,) = task.encode(records([text]))
    assert tokens_of(row) == task.tokenizer.encode([text])[0].tolist()
    assert all(len(example.tokens) <= 16 for example in row)
    assert (len(row) > 1) == (count > LIMIT)
    spans = [example.span for example in row]
    assert all(a[1] - b[0] >= int(LIMIT / 4) for a, b in itertools.pairwise(spans))
    assert spans[-1][1] == count
    assert sum(example.weight for example in row) == pytest.approx(1)


def test_an_answer_says_how_it_was_read(task):
    for text, windows in (("", 1), ("card", 1), ("card " * 14, 1), ("card " * 15, 2)):
        (record,) = records([text])
        (row,) = task.encode([record])
        tokens = len(text.split())
        answer = task.asked(top_k=2).decode(record, row, np.zeros(3, np.float32))
        assert (answer.n_tokens, answer.windows) == (tokens, windows)


def test_a_window_for_a_single_token(task):
    small = OneLabel(task.tokenizer, task.labels, max_length=3)
    (row,) = small.encode(records(["where is my card"]))
    assert [len(example.tokens) for example in row] == [3, 3, 3, 3]
    with pytest.raises(ConfigError, match="no room beside the 2 special ones"):
        OneLabel(task.tokenizer, task.labels, max_length=2)


def test_a_row_is_the_mean_of_its_windows(task):
    windows = [np.array([1, 2, 3], np.float32), np.array([3, 0, 0], np.float32)]
    (record,) = records(["card " * 15])
    (row,) = task.encode([record])
    assert task.combine(record, row, windows).tolist() == [2.0, 1.0, 1.5]
    assert task.combine(record, row, windows[:1]) is windows[0]


def test_a_row_weighs_as_much_as_another_however_long(task, model):
    batch = batch_of(task, ["card " * 100, "film"], ["card", "film"])
    with torch.no_grad():
        loss, count = task.loss(model, batch)
    assert float(count) == pytest.approx(2)
    with torch.no_grad():
        logits = model(batch.inputs)
    each = F.cross_entropy(logits, batch.arrays["label"], reduction="none")
    assert float(loss) == pytest.approx(float(each[:-1].mean() + each[-1]), rel=1e-5)


def test_class_weights_weigh_and_are_divided_by(task, model):
    weights = torch.tensor([1.0, 5.0, 0.5])
    task.class_weights = weights
    batch = batch_of(task, ["card", "film", "market"], ["card", "film", "market"])
    with torch.no_grad():
        loss, count = task.loss(model, batch)
    expected = F.cross_entropy(model(batch.inputs).detach(), batch.arrays["label"], weight=weights)
    assert float(loss / count) == pytest.approx(float(expected), rel=1e-6)


def test_the_options_name_the_loss(task, model):
    batch = batch_of(task, ["card", "film"], ["card", "film"])
    with torch.no_grad():
        logits = model(batch.inputs)
    task.options = Options(label_smoothing=0.3)
    smooth = F.cross_entropy(logits, batch.arrays["label"], label_smoothing=0.3, reduction="sum")
    assert float(task.loss(model, batch)[0].detach()) == pytest.approx(float(smooth), rel=1e-6)
    task.options = Options(focal_gamma=2.0)
    plain = F.cross_entropy(logits, batch.arrays["label"], reduction="none")
    focal = ((1 - torch.exp(-plain)) ** 2 * plain).sum()
    assert float(task.loss(model, batch)[0].detach()) == pytest.approx(float(focal), rel=1e-6)


def test_temperature_changes_how_sure_not_what(task):
    logits = np.array([2.0, 1.0, -1.0], np.float32)
    sure = decoded(task, logits)
    calm = decoded(task.deciding(Decision(temperature=4.0)), logits)
    assert (sure.label, calm.label) == ("card", "card")
    assert calm.score < sure.score
    chances = np.exp(logits / 4.0)
    np.testing.assert_allclose([x.score for x in calm.labels], chances / chances.sum(), rtol=1e-6)


@pytest.mark.parametrize(("threshold", "label"), [(None, "yes"), (0.8, "no"), (0.7, "yes")])
def test_the_threshold_of_two_classes_is_passed_only_from_above(task, threshold, label):
    two = OneLabel(task.tokenizer, ("no", "yes"), max_length=16)
    two = two.deciding(Decision(threshold=threshold))
    logits = np.log(np.array([0.25, 0.75])).astype(np.float32)
    answer = decoded(two, logits)
    assert answer.label == label
    assert answer.score == pytest.approx(0.75 if label == "yes" else 0.25)
    assert [x.label for x in answer.labels] == ["yes", "no"], "the most probable comes first"


def test_at_the_threshold_it_is_the_first_class(task):
    two = OneLabel(task.tokenizer, ("no", "yes"), max_length=16).deciding(Decision(threshold=0.5))
    assert decoded(two, np.zeros(2, np.float32)).label == "no"


def test_the_answer_as_json(task):
    logits = np.array([0.0, 1.0, 0.0], np.float32)
    answer = decoded(task, logits, n_tokens=7, windows=2, top_k=2).to_json()
    assert answer == {
        "label": "film",
        "score": 0.576117,
        "labels": [{"label": "film", "score": 0.576117}, {"label": "card", "score": 0.211942}],
        "n_tokens": 7,
        "windows": 2,
    }


def test_metrics_count_unknown_labels_as_wrong(task):
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]] * 5
    given = records(["a", "b", "c", "d"], ["card", "film", "market", "weather"])
    scores = task.scores()
    scores.add(given, task.encode(given), list(logits))
    found = scores.result()
    assert (found["accuracy"], found["unknown_labels"]) == (0.75, 1)
    (remark,) = scores.remarks()
    assert (remark.kind, remark.count, remark.examples) == ("unknown_label", 1, ("weather",))


@pytest.mark.parametrize(
    ("labels", "kind"), [(["a", "b"], OneLabel), ([("a", "b"), ()], SeveralLabels)]
)
def test_lists_of_labels_make_it_a_task_with_several(tiny_model_folder, labels, kind):
    columns = {"text": ("text",), "label": ("label",)}
    base = Base.of(tiny_model_folder, 16)
    task = KIND.learn(records(["x", "y"], labels), base, columns, Options())
    assert type(task) is kind
    assert (task.labels, task.max_length) == (("a", "b"), 16)
    assert task.reader(columns).several is (kind is SeveralLabels)


def read_row(values, *, several=None, **options):
    columns = {"text": ("text",), "label": ("label",)}
    if "text_pair" in values:
        columns = {"text": ("text",), "text_pair": ("text_pair",), "label": ("label",)}
    reader = LabelReader(columns, Options(**options), several=several)
    return reader.read(Row("t.jsonl", 9, values), targets=True)


@pytest.mark.parametrize(
    ("values", "several", "kind", "said"),
    [
        ({"text": "a", "label": ["x"]}, False, "not_one_label", "holds a list; expected one label"),
        ({"text": "a", "label": "x"}, True, "not_a_list", "--label-separator cuts a cell"),
        ({"text": "a", "label": ["x", " "]}, None, "empty_label", "in the list of labels"),
        ({"text": "a", "label": ["x", {}]}, None, "not_text", "an object"),
        (
            {"text": "a", "text_pair": " ", "label": "x"},
            None,
            "empty_text_pair",
            "text pair is empty",
        ),
        ({"text": "", "text_pair": "b", "label": "x"}, None, "empty_text", "the text is empty"),
    ],
)
def test_labels_and_pairs_that_cannot_be_used_are_rejected_by_name(values, several, kind, said):
    found = read_row(values, several=several)
    assert isinstance(found, Rejection)
    assert (found.kind, found.line, said in found.message) == (kind, 9, True), found.message


def test_a_cell_is_cut_into_labels():
    values = {"text": "a", "label": "x | y|x|"}
    assert read_row(values, label_separator="|").target == ("x", "y")
    assert read_row({"text": "a", "label": ""}, label_separator="|").target == ()
    assert read_row(values).target == "x | y|x|"


def lists(*labels):
    found = LabelExaminer()
    for number, target in enumerate(labels):
        found.add("train", Record(Row("t.jsonl", number, {}), ("a",), target, ("a",)))
    return {finding.kind: finding for finding in found.findings()}


def test_lists_are_looked_at_before_they_are_learned():
    mixed = lists(("a",), "b", ("b",))["mixed_labels"]
    assert mixed.severity == "error"
    assert "the first with one label is t.jsonl:1" in mixed.message
    alone = lists(("a",), ("b",), ("a",))["several_labels"]
    assert "every row has exactly one label" in alone.message
    assert lists(("a",), (), ("a", "b"))["no_label"].count == 1


def test_a_precision_that_is_asked_for_is_kept_on_dev(tiny_model_folder):
    draw = np.random.default_rng(0)
    targets = draw.random((400, 2)) < 0.4
    given = [
        Record(Row("t", i, {}), ("a",), tuple(np.array(["a", "b"])[row]), ("a",))
        for i, row in enumerate(targets)
    ]
    logits = [
        row.astype(np.float32) for row in (targets * 2 - 1) * 0.7 + draw.normal(size=(400, 2))
    ]
    shares = []
    for goal in (None, 0.9):
        options = Options(precision_goal=goal)
        columns = {"text": ("text",), "label": ("label",)}
        task = KIND.learn(given, Base.of(tiny_model_folder, 16), columns, options)
        decided = task.decided(given, logits)
        scores = decided.scores(intervals=False)
        scores.add(given, decided.encode(given), logits)
        shares.append([x.precision for x in scores._scores.report()])
    assert min(shares[1]) >= 0.9
    assert max(shares[0]) < 0.9
