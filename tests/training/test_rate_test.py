"""The range test: which rate it chooses, and that it leaves no trace."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.training import rate_test as module
from glossator.training.config import TrainingConfig
from glossator.training.gradients import StepGradients
from glossator.training.rate_test import choose_rate, rate_test

RATES = np.geomspace(1e-6, 1e-1, 60).tolist()


def losses_of(fall_at: float, ruin_at: float, *, noise: float = 0.0, seed: int = 0) -> list[float]:
    """From 2 down to 1 about one rate, and up again from another."""
    x = np.log10(RATES)
    falling = 1 + 1 / (1 + np.exp(6 * (x - np.log10(fall_at))))
    rising = 3 / (1 + np.exp(-12 * (x - np.log10(ruin_at))))
    scatter = np.random.default_rng(seed).normal(0, noise, len(x)) if noise else 0.0
    return list(falling + rising + scatter)


@pytest.mark.parametrize("fall_at", [1e-5, 1e-4, 1e-3])
def test_it_chooses_where_the_loss_falls_fastest(fall_at):
    found = choose_rate(RATES, losses_of(fall_at, 5e-2))
    assert found.chosen == pytest.approx(fall_at, rel=0.25)
    assert found.steepest == pytest.approx(fall_at, rel=0.25)


def test_it_keeps_away_from_where_the_loss_rises():
    found = choose_rate(RATES, losses_of(1e-3, 3e-3))
    assert 1e-3 < found.rises < 6e-3
    assert found.chosen == pytest.approx(found.rises / 10, rel=0.05)
    assert found.chosen < found.steepest


@pytest.mark.parametrize("seed", range(10))
def test_the_noise_of_batches_moves_the_choice_little(seed):
    found = choose_rate(RATES, losses_of(2e-4, 2e-2, noise=0.15, seed=seed))
    assert 1e-4 < found.chosen < 5e-4


@pytest.mark.parametrize("losses", [[2.0] * 60, list(np.linspace(2, 5, 60))])
def test_losses_that_never_fall_choose_nothing(losses):
    found = choose_rate(RATES, losses)
    assert (found.chosen, found.steepest) == (None, None)


def test_noise_alone_chooses_nothing_most_of_the_time():
    noise = np.random.default_rng(0).normal(2, 0.2, (50, 60))
    chosen = [choose_rate(RATES, list(row)).chosen for row in noise]
    assert sum(rate is None for rate in chosen) >= 45


def test_too_few_steps_choose_nothing():
    assert choose_rate([], []).chosen is None
    assert choose_rate(RATES[:9], [2.0] * 5 + [1.0] * 4).chosen is None


@given(
    st.lists(st.floats(1e-6, 1e4), min_size=10, max_size=99),
    st.floats(0.1, 5),
)
@settings(max_examples=100, deadline=None)
def test_whatever_the_losses_the_choice_is_one_of_the_rates_or_lower(losses, decades):
    rates = np.geomspace(1e-6, 1e-6 * 10**decades, len(losses)).tolist()
    found = choose_rate(rates, losses)
    assert np.isfinite(found.smoothed).all()
    if found.chosen is not None:
        most = rates[-1] if found.rises is None else found.rises / 10
        assert 1e-8 < found.chosen <= 1.05 * min(found.steepest, most)


def options(**changed):
    return TrainingConfig(**{"epochs": 2, "batch_size": 8, "learning_rate": "auto", **changed})


def test_it_leaves_everything_as_it_was(model_of, task, rows):
    model = model_of(dropout=0.1)
    model.train()
    model.head.eval()
    weights = {name: x.clone() for name, x in model.state_dict().items()}
    places = {name: x.data_ptr() for name, x in model.named_parameters()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    expected = torch.rand(1), random.random(), np.random.rand()
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    rate_test(model, task, rows, options(), dtype=torch.bfloat16)
    assert (torch.rand(1), random.random(), np.random.rand()) == expected
    assert all(torch.equal(x, weights[name]) for name, x in model.state_dict().items())
    assert {name: x.data_ptr() for name, x in model.named_parameters()} == places
    assert [module.training for module in model.modules()] == modes
    assert model.encoder.compute_dtype == torch.float32
    assert all(x.grad is None and x.requires_grad for x in model.parameters())


def test_one_seed_finds_one_rate_and_another_other_losses(model_of, task, rows):
    model = model_of(dropout=0.1)
    long = options(epochs=200)
    first, again = (rate_test(model, task, rows, long, dtype=torch.float32) for _ in "ab")
    assert first == again
    assert first.chosen is not None
    other = rate_test(model, task, rows, options(epochs=200, seed=1), dtype=torch.float32)
    assert other.losses != first.losses


@pytest.mark.parametrize(("epochs", "steps"), [(1, 20), (60, 30), (1000, 100)])
def test_it_takes_a_tenth_of_the_steps(model_of, task, rows, epochs, steps):
    told = []
    found = rate_test(
        model_of(),
        task,
        rows,
        options(epochs=epochs, time_limit="1s"),
        dtype=torch.float32,
        told=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, steps) for done in range(1, len(told) + 1)]
    assert len(found.rates) == len(found.losses) == len(found.smoothed) == len(told) - 1
    assert found.rates[0] == pytest.approx(1e-6)
    factors = np.diff(np.log(found.rates))
    assert factors == pytest.approx(np.log(1e5) / (steps - 1))


def test_a_rate_that_ruined_the_model_bounds_the_choice():
    losses = losses_of(3e-2, 1e9)
    free, bound = choose_rate(RATES, losses), choose_rate(RATES, losses, ruined=True)
    assert (free.rises, bound.rises) == (None, RATES[-1])
    assert bound.chosen == 1e-2 < free.chosen


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e9])
def test_it_ends_where_the_loss_is_ruined(model_of, task, rows, monkeypatch, bad):
    whole = StepGradients.take

    def take(self, examples, step):
        loss, count = whole(self, examples, step)
        return (bad if step == 15 else loss), count

    monkeypatch.setattr(StepGradients, "take", take)
    found = rate_test(model_of(), task, rows, options(), dtype=torch.float32)
    assert len(found.rates) in (14, 15)
    assert found.chosen is None or found.chosen <= found.rates[-1] / 10 * 1.05


def test_the_rate_it_chooses_lets_the_model_learn(model_of, task, rows):
    from glossator.training.loop import train

    found = rate_test(model_of(), task, rows, options(epochs=200), dtype=torch.float32)
    history = train(
        model_of(), task, rows, options(epochs=40, learning_rate=found.chosen), dtype=torch.float32
    )
    assert history.steps[-1].loss < 0.7 * history.steps[0].loss


def test_an_interrupt_ends_it(model_of, task, rows):
    def told(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rate_test(model_of(), task, rows, options(), dtype=torch.float32, told=told)


def test_the_control_a_ruined_loss_would_be_chosen_without_its_margin(monkeypatch):
    monkeypatch.setattr(module, "_MARGIN", 1e-9)
    found = choose_rate(RATES, losses_of(1e-3, 3e-3))
    assert found.chosen == pytest.approx(found.steepest, rel=0.05)
