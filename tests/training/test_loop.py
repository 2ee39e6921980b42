"""The loop: one seed is one result, parts add up, the best weights come back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from glossator.errors import GlossatorError
from glossator.models import encoder
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.training.config import TrainingConfig
from glossator.training.dev import Dev
from glossator.training.events import Evaluated, Halved, Started, Stepped
from glossator.training.loop import train

LABELS = ("no", "yes")
NO_MEMORY = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"


# Weights that move as far as their gradients say. AdamW moves a weight whose gradient is nothing
# but rounding as far as any other, so it would need a wider bound on what the sums may differ by.
PLAIN = {"optimizer": "sgd", "learning_rate": 0.1}


def config(**options):
    return TrainingConfig(**{"epochs": 2, "learning_rate": 1e-3, "batch_size": 8, **options})


def run(model, task, rows, dtype=torch.float32, **options):
    more = {name: options.pop(name) for name in ("dev", "notify") if name in options}
    return train(model, task, rows, config(**options), dtype=dtype, **more)


def weights(model):
    return {name: x.detach().clone() for name, x in model.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def apart(a, b):
    return max(float((a[name] - b[name]).abs().max()) for name in a)


class Scripted:
    """A dev set whose scores are written down beforehand; it keeps the weights it saw."""

    def __init__(self, model, rows, scores):
        self.model, self.left, self.seen = model, list(scores), []
        self.dev = Dev(rows, self.score, lambda new, old: new["accuracy"] > old["accuracy"])

    def score(self):
        self.seen.append(weights(self.model))
        return {"accuracy": self.left.pop(0)}


# One seed, one result


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_seed_is_a_result_to_the_bit(model_of, task, rows, dtype):
    made = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(made))  # what the user's generator does must not matter
        model = model_of(dropout=0.1)
        run(model, task, rows, dtype, seed=seed)
        made.append(weights(model))
    assert same(made[0], made[1])
    assert not same(made[0], made[2])
    assert all(x.dtype == torch.float32 for x in made[0].values())


def test_the_random_numbers_of_the_user_are_left_alone(model_of, task, rows):
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    run(model_of(dropout=0.1), task, rows)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_the_model_is_handed_back_as_it_came(model_of, task, rows):
    model = model_of()
    before = weights(model)
    table = model.encoder.embeddings.words
    run(model, task, rows, torch.bfloat16)
    assert not model.training
    assert model.encoder.embeddings.words is table
    assert model.encoder.compute_dtype == torch.float32
    assert before.keys() == weights(model).keys()
    assert all(x.grad is None and x.requires_grad for x in model.parameters())


def test_it_learns(model_of, task, rows):
    model = model_of()
    history = run(model, task, rows, epochs=8, learning_rate=3e-3)
    losses = [event.loss for event in history.steps]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


# Accumulation


@pytest.mark.parametrize("budget", [1, 24, 60, 10**9])
def test_parts_of_a_step_add_up_to_the_step(model_of, task, rows, budget):
    whole, parts = model_of(), model_of()
    expected = run(whole, task, rows, token_budget=10**9, epochs=1, **PLAIN)
    history = run(parts, task, rows, token_budget=budget, epochs=1, **PLAIN)
    assert [e.loss for e in history.steps] == pytest.approx([e.loss for e in expected.steps], 1e-5)
    assert apart(weights(whole), weights(parts)) < 2e-6


def test_a_mean_over_each_part_would_be_caught(model_of, task, rows):
    """The broken way: every part weighs alike, however many rows it has."""

    class Averaged(OneLabel):
        def loss(self, model, batch):
            loss, count = super().loss(model, batch)
            return loss / count, torch.ones(())

    broken = Averaged(task.tokenizer, LABELS, max_length=24)
    whole, parts = model_of(), model_of()
    run(whole, broken, rows, token_budget=10**9, epochs=1, **PLAIN)
    run(parts, broken, rows, token_budget=60, epochs=1, **PLAIN)
    assert apart(weights(whole), weights(parts)) > 2e-5


# Memory


def test_activations_computed_again_change_no_bit(model_of, task, rows, monkeypatch):
    again = []
    real = encoder.recomputed
    monkeypatch.setattr(encoder, "recomputed", lambda *x: again.append(1) or real(*x))
    kept, recomputed = model_of(dropout=0.3), model_of(dropout=0.3)
    run(kept, task, rows)
    assert not again
    run(recomputed, task, rows, activation_checkpointing=True)
    assert again
    assert same(weights(kept), weights(recomputed))
    assert not recomputed.encoder.recompute


class Short(OneLabel):
    """A task on a machine whose memory holds so many tokens, for so many failures."""

    tokens, failures = 10**9, 10**9

    def loss(self, model, batch):
        if len(batch.inputs.tokens) > self.tokens and self.failures:
            self.failures -= 1
            raise RuntimeError(NO_MEMORY)
        return super().loss(model, batch)


@pytest.mark.parametrize(("tokens", "failures"), [(0, 1), (60, 10**9)])
def test_where_memory_is_short_the_budget_is_halved_and_said(
    model_of, task, rows, tokens, failures
):
    short = Short(task.tokenizer, LABELS, max_length=24)
    short.tokens, short.failures = tokens, failures
    events = []
    expected, got = model_of(), model_of()
    plain = run(expected, task, rows, epochs=1, **PLAIN)
    history = run(got, short, rows, epochs=1, **PLAIN, notify=events.append)
    budgets = [event.token_budget for event in events if isinstance(event, Halved)]
    assert budgets
    assert budgets == sorted(set(budgets), reverse=True)
    assert tokens == 0 or budgets[-1] <= 60
    assert [e.loss for e in history.steps] == pytest.approx([e.loss for e in plain.steps], 1e-5)
    assert apart(weights(expected), weights(got)) < 2e-6


def test_one_text_that_does_not_fit_ends_the_run(model_of, task, rows):
    short = Short(task.tokenizer, LABELS, max_length=24)
    short.tokens = 10
    model = model_of()
    with pytest.raises(GlossatorError, match=r"one text of \d+ tokens; a smaller --max-length"):
        run(model, short, rows)
    assert not model.training


def test_other_errors_are_not_taken_for_it(model_of, task, rows):
    class Broken(OneLabel):
        def loss(self, model, batch):
            raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        run(model_of(), Broken(task.tokenizer, LABELS, max_length=24), rows)


# The best weights


def test_the_best_weights_come_back(model_of, task, rows):
    model = model_of()
    scripted = Scripted(model, rows, [0.5, 0.8, 0.7, 0.6, 0.9])
    history = run(model, task, rows, epochs=5, patience=2, dev=scripted.dev)
    assert [event.best for event in history.evaluations] == [True, True, False, False]
    assert history.best_step == 10
    assert history.epochs == 4
    assert apart_of_used(model, scripted.seen[1]) == 0
    assert apart_of_used(model, scripted.seen[3]) > 0


def apart_of_used(model, seen):
    """The largest difference, over the parameters that training sees whole."""
    now = weights(model)
    names = [name for name in now if name in seen and now[name].shape == seen[name].shape]
    assert len(names) > 20
    return max(float((now[name] - seen[name]).abs().max()) for name in names)


def test_patience_begins_anew_with_each_better_score(model_of, task, rows):
    model = model_of()
    scripted = Scripted(model, rows, [0.5, 0.4, 0.6, 0.5, 0.7, 0.1, 0.1, 0.9])
    history = run(model, task, rows, epochs=8, patience=2, dev=scripted.dev)
    assert len(history.evaluations) == 7
    assert history.best_step == 25


def test_without_dev_rows_the_last_weights_are_kept(model_of, task, rows):
    history = run(model_of(), task, rows, epochs=3)
    assert (history.best_step, len(history.steps), history.evaluations) == (15, 15, [])


# Interrupts and numbers that are none


def interrupt_at(step):
    def notify(event):
        if isinstance(event, Stepped) and event.step == step:
            raise KeyboardInterrupt

    return notify


def test_an_interrupt_gives_back_the_best_so_far(model_of, task, rows):
    model = model_of()
    scripted = Scripted(model, rows, [0.5, 0.4, 0.3])
    history = run(model, task, rows, epochs=4, dev=scripted.dev, notify=interrupt_at(12))
    assert not history.finished
    assert (history.best_step, len(history.steps)) == (5, 12)
    assert apart_of_used(model, scripted.seen[0]) == 0
    assert not model.training


@pytest.mark.parametrize("step", [1, 4])
def test_an_interrupt_before_any_score_gives_back_the_last(model_of, task, rows, step):
    model = model_of()
    scripted = Scripted(model, rows, [0.5])
    history = run(model, task, rows, dev=scripted.dev, notify=interrupt_at(step))
    assert (history.finished, history.best_step) == (False, step)
    assert all(x.isfinite().all() for x in model.parameters())


def test_an_interrupt_at_the_very_start_leaves_the_model_as_it_was(model_of, task, rows):
    def notify(event):
        if isinstance(event, Started):
            raise KeyboardInterrupt

    model = model_of()
    before = weights(model)
    history = run(model, task, rows, torch.bfloat16, notify=notify)
    assert (history.finished, history.best_step, history.steps) == (False, 0, [])
    assert same(before, weights(model))


def test_an_interrupt_while_dev_is_scored(model_of, task, rows):
    def score():
        raise KeyboardInterrupt

    history = run(model_of(), task, rows, dev=Dev(rows, score, lambda a, b: True))
    assert (history.finished, history.best_step) == (False, 5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_run_with_advice(model_of, task, rows, value):
    class Broken(OneLabel):
        def loss(self, model, batch):
            loss, count = super().loss(model, batch)
            return loss * value, count

    message = r"the loss of step 1 is (nan|inf); a lower --learning-rate may help"
    with pytest.raises(GlossatorError, match=message):
        run(model_of(), Broken(task.tokenizer, LABELS, max_length=24), rows)


def test_a_gradient_that_is_no_number_does_not_reach_the_weights(model_of, task, rows):
    """The square root of 0 is 0, and its slope is infinite."""

    class Broken(OneLabel):
        def loss(self, model, batch):
            loss, count = super().loss(model, batch)
            return loss + (loss - loss).sqrt(), count

    model = model_of()
    with pytest.raises(GlossatorError, match="the gradient of step 1 is nan"):
        run(model, Broken(task.tokenizer, LABELS, max_length=24), rows)
    assert all(x.isfinite().all() for x in model.parameters())


# What is told


def test_what_is_told_adds_up(model_of, task, rows):
    events = []
    model = model_of()
    scripted = Scripted(model, rows, [0.1, 0.2])
    history = run(model, task, rows, batch_size=16, dev=scripted.dev, notify=events.append)
    started, *rest = events
    tokens = sum(len(example.tokens) for row in rows for example in row)
    assert started == Started(steps=6, rows=40, tokens=tokens)
    assert [type(event) for event in rest] == [Stepped, Stepped, Stepped, Evaluated] * 2
    steps = [event for event in rest if isinstance(event, Stepped)]
    assert steps == history.steps
    assert [event.rows for event in steps] == [16, 32, 40, 56, 72, 80]
    assert (steps[2].tokens, steps[5].tokens) == (tokens, 2 * tokens)
    assert [event.step for event in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].epoch == history.epochs == 2
    assert steps[0].rate == pytest.approx(1e-3)
    assert 0 < steps[-1].rate < steps[1].rate
    assert all(event.norm > 0 for event in steps)
