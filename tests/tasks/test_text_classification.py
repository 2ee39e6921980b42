from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from glossator.errors import ConfigError
from glossator.tasks.learnable import collate
from glossator.tasks.text_classification import Decision, Objective, TextClassification

LIMIT = 14  # of the 16 tokens of a window, two are special


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
    (row,) = task.encode([text])
    assert tokens_of(row) == task.tokenizer.encode([text])[0].tolist()
    assert all(len(example.tokens) <= 16 for example in row)
    assert (len(row) > 1) == (count > LIMIT)
    spans = [example.span for example in row]
    assert all(a[1] - b[0] >= int(LIMIT / 4) for a, b in itertools.pairwise(spans))
    assert spans[-1][1] == count
    assert sum(example.weight for example in row) == pytest.approx(1)


def test_an_answer_says_how_it_was_read(task):
    for text, windows in (("", 1), ("card", 1), ("card " * 14, 1), ("card " * 15, 2)):
        (row,) = task.encode([text])
        tokens = len(text.split())
        answer = task.decode(np.zeros(3, np.float32), row[-1].span[1], len(row), 2)
        assert (answer.n_tokens, answer.windows) == (tokens, windows)


def test_a_window_for_a_single_token(task):
    small = TextClassification(task.tokenizer, task.labels, max_length=3)
    (row,) = small.encode(["where is my card"])
    assert [len(example.tokens) for example in row] == [3, 3, 3, 3]
    with pytest.raises(ConfigError, match="no room beside the 2 special ones"):
        TextClassification(task.tokenizer, task.labels, max_length=2)


def test_a_row_is_the_mean_of_its_windows(task):
    windows = [np.array([1, 2, 3], np.float32), np.array([3, 0, 0], np.float32)]
    assert task.combine(windows).tolist() == [2.0, 1.0, 1.5]
    assert task.combine(windows[:1]) is windows[0]


def test_a_row_weighs_as_much_as_another_however_long(task, model):
    batch = collate([e for row in task.encode(["card " * 100, "film"], [0, 1]) for e in row])
    with torch.no_grad():
        loss, count = task.loss(model, batch)
    assert float(count) == pytest.approx(2)
    with torch.no_grad():
        logits = model(batch.inputs)
    each = F.cross_entropy(logits, batch.targets, reduction="none")
    assert float(loss) == pytest.approx(float(each[:-1].mean() + each[-1]), rel=1e-5)


def test_class_weights_weigh_and_are_divided_by(task, model):
    weights = torch.tensor([1.0, 5.0, 0.5])
    task.objective = Objective(class_weights=weights)
    batch = collate([row[0] for row in task.encode(["card", "film", "market"], [0, 1, 2])])
    with torch.no_grad():
        loss, count = task.loss(model, batch)
    expected = F.cross_entropy(model(batch.inputs).detach(), batch.targets, weight=weights)
    assert float(loss / count) == pytest.approx(float(expected), rel=1e-6)


def test_the_objective_names_the_loss(task, model):
    batch = collate([row[0] for row in task.encode(["card", "film"], [0, 1])])
    with torch.no_grad():
        logits = model(batch.inputs)
    task.objective = Objective(label_smoothing=0.3)
    smooth = F.cross_entropy(logits, batch.targets, label_smoothing=0.3, reduction="sum")
    assert float(task.loss(model, batch)[0].detach()) == pytest.approx(float(smooth), rel=1e-6)
    task.objective = Objective(focal_gamma=2.0)
    plain = F.cross_entropy(logits, batch.targets, reduction="none")
    focal = ((1 - torch.exp(-plain)) ** 2 * plain).sum()
    assert float(task.loss(model, batch)[0].detach()) == pytest.approx(float(focal), rel=1e-6)


def test_temperature_changes_how_sure_not_what(task):
    logits = np.array([2.0, 1.0, -1.0], np.float32)
    sure = task.decode(logits, 1, 1, 3)
    task.decision = Decision(temperature=4.0)
    calm = task.decode(logits, 1, 1, 3)
    assert (sure.label, calm.label) == ("card", "card")
    assert calm.score < sure.score
    chances = np.exp(logits / 4.0)
    np.testing.assert_allclose([x.score for x in calm.labels], chances / chances.sum(), rtol=1e-6)


@pytest.mark.parametrize(("threshold", "label"), [(None, "yes"), (0.8, "no"), (0.7, "yes")])
def test_the_threshold_of_two_classes_is_passed_only_from_above(task, threshold, label):
    two = TextClassification(
        task.tokenizer, ("no", "yes"), max_length=16, decision=Decision(threshold=threshold)
    )
    logits = np.log(np.array([0.25, 0.75])).astype(np.float32)
    answer = two.decode(logits, 1, 1, 2)
    assert answer.label == label
    assert answer.score == pytest.approx(0.75 if label == "yes" else 0.25)
    assert [x.label for x in answer.labels] == ["yes", "no"], "the most probable comes first"


def test_at_the_threshold_it_is_the_first_class(task):
    two = TextClassification(
        task.tokenizer, ("no", "yes"), max_length=16, decision=Decision(threshold=0.5)
    )
    assert two.decode(np.zeros(2, np.float32), 1, 1, 2).label == "no"


def test_the_answer_as_json(task):
    answer = task.decode(np.array([0.0, 1.0, 0.0], np.float32), 7, 2, 2).to_json()
    assert answer == {
        "label": "film",
        "score": 0.576117,
        "labels": [{"label": "film", "score": 0.576117}, {"label": "card", "score": 0.211942}],
        "n_tokens": 7,
        "windows": 2,
    }


def test_metrics_count_unknown_labels_as_wrong(task):
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]] * 5
    scores = task.metrics(logits, np.array([0, 1, 2, -1]))
    assert (scores["accuracy"], scores["unknown_labels"]) == (0.75, 1)
