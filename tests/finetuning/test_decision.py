"""Temperature and threshold from dev rows, and what chooses the best step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from label_records import records

from glossator.evaluation.calibration import softmax
from glossator.evaluation.metrics import classification_metrics
from glossator.finetuning.config import FitConfig, ModelConfig
from glossator.finetuning.defaults import default_learning_rate, resolved
from glossator.tasks.kinds.text_classification.config import Decision, Options
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.task import Base, is_better
from glossator.text.tokenizer import Tokenizer
from glossator.training.config import TrainingConfig


def logits_and_targets(rows=2000, classes=3, sharpness=1.0, seed=0):
    """Targets drawn from the probabilities of the logits, which are then made too sure."""
    random = np.random.default_rng(seed)
    true = random.normal(0, 1.5, (rows, classes))
    chances = softmax(true)
    targets = np.array([random.choice(classes, p=row) for row in chances])
    return (true * sharpness).astype(np.float32), targets


@pytest.fixture
def choose_decision(tiny_model_folder):
    """What a task with as many labels as logits decides by after these dev rows."""
    tokenizer = Tokenizer.load(tiny_model_folder)

    def choose(logits, targets) -> Decision:
        labels = ["no", "yes", "maybe"][: logits.shape[1]]
        task = OneLabel(tokenizer, labels, max_length=16)
        names = [labels[y] if y >= 0 else "unheard of" for y in targets]
        return task.decided(records(names, names), list(logits)).decision

    return choose


@pytest.fixture
def learned(tiny_model_folder):
    """The task of some labels."""

    def learn(labels, **options) -> OneLabel:
        return OneLabel.learn(
            records(labels, labels), Base.of(tiny_model_folder), Options(**options)
        )

    return learn


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 4.0])
def test_the_temperature_undoes_what_made_the_model_too_sure(choose_decision, sharpness):
    logits, targets = logits_and_targets(sharpness=sharpness)
    decision = choose_decision(logits, targets)
    assert decision.temperature == pytest.approx(sharpness, rel=0.1)
    assert decision.threshold is None


def test_unknown_labels_change_nothing(choose_decision):
    logits, targets = logits_and_targets(classes=2)
    more = np.concatenate([logits, np.full((50, 2), 9, np.float32)])
    expected = choose_decision(logits, targets)
    assert choose_decision(more, np.concatenate([targets, np.full(50, -1)])) == expected


def test_a_threshold_is_chosen_where_it_pays(choose_decision):
    """A rare second class, to whose logit a constant was added that hides it."""
    random = np.random.default_rng(1)
    targets = (random.random(3000) < 0.15).astype(np.int64)
    logit = random.normal(np.where(targets == 1, -1.5, -4.5), 1.0)
    logits = np.stack([np.zeros(3000), logit], axis=1).astype(np.float32)
    decision = choose_decision(logits, targets)
    assert decision.threshold is not None

    def macro_f1(threshold):
        chances = softmax(logits, decision.temperature)
        found = classification_metrics(
            chances, targets, ("no", "yes"), threshold=threshold, intervals=False
        )
        return found["macro_f1"]

    assert macro_f1(decision.threshold) > macro_f1(None) + 0.02


def test_no_threshold_where_dev_has_one_class(choose_decision):
    logits, _ = logits_and_targets(rows=30, classes=2)
    assert choose_decision(logits, np.ones(30, np.int64)).threshold is None


def test_a_single_row_is_enough(choose_decision):
    decision = choose_decision(np.array([[1.0, 2.0]], np.float32), np.array([1]))
    assert isinstance(decision, Decision)
    assert decision.temperature > 0


def test_the_better_step_has_the_accuracy_and_then_the_loss():
    def better(new, old):
        return is_better(OneLabel, new, old)

    scores = {"accuracy": 0.5, "log_loss": 0.7}
    assert better({"accuracy": 0.6, "log_loss": 9.9}, scores)
    assert not better({"accuracy": 0.4, "log_loss": 0.1}, scores)
    assert better({"accuracy": 0.5, "log_loss": 0.6}, scores)
    assert not better(scores, scores)


def test_class_weights_come_from_the_training_rows(learned):
    labels = ["a"] * 8 + ["b"] * 2
    auto = learned(labels, class_weights="auto")
    torch.testing.assert_close(auto.class_weights, torch.tensor([0.625, 2.5]))
    assert learned(labels).class_weights is None


@pytest.mark.parametrize(
    ("optimizer", "width", "rate"),
    [("adamw", 384, 2e-4), ("adafactor", 384, 3e-3), ("sgd", 384, 3e-2), ("sgd", 768, 7.5e-3)],
)
def test_the_rate_depends_on_the_optimizer(optimizer, width, rate):
    assert default_learning_rate(width, optimizer) == pytest.approx(rate)
    config = FitConfig(training=TrainingConfig(optimizer=optimizer))
    found = resolved(config, width=width, longest=512, device="cpu").training.learning_rate
    assert found == pytest.approx(rate)


@pytest.mark.parametrize(
    ("width", "rate"), [(32, 2e-4), (384, 2e-4), (768, 5e-5), (769, 2e-5), (1024, 2e-5)]
)
def test_the_rate_depends_on_the_width(width, rate):
    assert default_learning_rate(width) == rate
    model = {"width": width, "longest": 512, "device": "cpu"}
    assert resolved(FitConfig(), **model).training.learning_rate == rate
    given = FitConfig(training=TrainingConfig(learning_rate=0.1))
    assert resolved(given, **model).training.learning_rate == 0.1


@pytest.mark.parametrize(("asked", "got"), [(None, 512), (64, 64), (9999, 512)])
def test_windows_are_as_long_as_the_model_reads(asked, got):
    config = FitConfig(model=ModelConfig(max_length=asked))
    assert resolved(config, width=384, longest=512, device="cpu").model.max_length == got


@pytest.mark.parametrize(("device", "tokens"), [("cpu", 2048), ("cuda", 8192)])
def test_a_processor_takes_fewer_tokens_at_once(device, tokens):
    """More is no faster there, and takes twice the memory."""
    found = resolved(FitConfig(), width=384, longest=512, device=device).training
    assert found.token_budget == found.tokens_at_once == tokens
    asked = FitConfig(training=TrainingConfig(token_budget=99))
    assert resolved(asked, width=384, longest=512, device=device).training.token_budget == 99
    assert TrainingConfig().tokens_at_once == 8192
