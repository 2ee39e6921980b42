"""A loss over a whole step goes through the model in parts and is still that of the whole."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from task_rows import twins

from glossator.finetuning.config import FitConfig, ModelConfig
from glossator.finetuning.run import run_fit
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.text.rows import Row
from glossator.training.config import TrainingConfig
from glossator.training.events import Stepped
from glossator.training.gradients import StepGradients
from glossator.training.loop import train
from glossator.training.processes import together


class Losses(Watch):
    def __init__(self):
        self.losses = []

    def training(self, event):
        if isinstance(event, Stepped):
            self.losses.append(event.loss)


def learned(folder, budget):
    """Losses and weights of a few steps, with so many tokens at once."""
    watch = Losses()
    config = FitConfig(
        task="feature-extraction",
        model=ModelConfig(model=str(folder), max_length=24),
        training=TrainingConfig(
            epochs=2, batch_size=16, token_budget=budget, learning_rate=1e-3, seed=3
        ),
        runtime=RuntimeConfig(precision="float32"),
    )
    result = run_fit(twins(), config, watch=watch)
    state = result.predictor.model.state_dict()
    return watch.losses, {name: x.numpy() for name, x in state.items()}


@pytest.fixture
def steady(tiny_model_folder, tmp_path, monkeypatch):
    """Without dropout: parts of another size draw another one."""
    import json
    import shutil

    folder = tmp_path / "steady"
    shutil.copytree(tiny_model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_parts_learn_what_the_whole_learns(steady, monkeypatch):
    turns = []
    right = StepGradients._compared
    count = StepGradients._turns

    def counting(self, work, step):
        found = list(count(self, work, step))
        turns.append(len(found))
        return iter(found)

    monkeypatch.setattr(StepGradients, "_turns", counting)
    whole, weights = learned(steady, 100_000)
    assert set(turns) == {1}
    turns.clear()
    parts, others = learned(steady, 64)
    assert min(turns) > 1
    assert right is StepGradients._compared
    assert parts == pytest.approx(whole, rel=1e-4)
    for name, x in weights.items():
        np.testing.assert_allclose(others[name], x, atol=2e-4)


def test_negatives_of_other_parts_count(steady, monkeypatch):
    """The control: each part for itself knows fewer negatives, and its loss is lower."""
    whole, _ = learned(steady, 100_000)

    def apart(self, work, step):
        return self._try(work, step)

    monkeypatch.setattr(StepGradients, "_compared", apart)
    parts, _ = learned(steady, 64)
    assert parts[0] < 0.9 * whole[0]


def test_dropout_is_the_same_when_a_part_is_computed_again(tiny_model_folder, monkeypatch):
    seen = []
    right = StepGradients._vectors

    def noted(self, work, *, graph):
        found = right(self, work, graph=graph)
        seen.append((work.place, found.detach().numpy().copy()))
        return found

    monkeypatch.setattr(StepGradients, "_vectors", noted)
    learned(tiny_model_folder, 64)
    by_place = {}
    for place, vectors in seen:
        by_place.setdefault(place, []).append(vectors)
    assert all(len(found) == 2 for found in by_place.values())
    for one, again in by_place.values():
        # Without a graph the attention has another kernel, which rounds otherwise.
        np.testing.assert_allclose(one, again, atol=1e-6)
    first, *others = [found[0] for found in by_place.values()]
    alike = [x for x in others if x.shape == first.shape]
    assert all(np.abs(x - first).max() > 1e-3 for x in alike)


@pytest.fixture
def pairs(steady):
    """A model of pairs, what it learns, and seven rows: a step of four and one of three."""
    config = FitConfig(
        task="feature-extraction",
        model=ModelConfig(model=str(steady), max_length=24),
        training=TrainingConfig(epochs=1, batch_size=16),
        runtime=RuntimeConfig(precision="float32"),
    )
    predictor = run_fit(twins(), config).predictor
    reader = predictor.reader()
    rows = [reader.read(Row("t", i, row), targets=True) for i, row in enumerate(twins()[:7])]
    return predictor.model, predictor.task, predictor.task.encode(rows)


STEPS = TrainingConfig(epochs=2, batch_size=4, learning_rate=1e-3, seed=3)


def along(rank, model, task, rows, config, lacking):
    """One of several processes, whose memory does not suffice once, forth or back."""
    right, told = StepGradients._vectors, []
    if lacking is not None:

        def short(self, part, *, graph):
            if graph is lacking and not told:
                told.append("once")
                raise MemoryError
            return right(self, part, graph=graph)

        StepGradients._vectors = short  # this process ends with the run
    train(model, task, rows, config, dtype=torch.float32)
    assert told or lacking is None


def along_others(pairs, count, config=STEPS, lacking=None):
    """Losses and weights of steps that several processes share."""
    model, task, rows = copy.deepcopy(pairs)
    with together(count, along, copy.deepcopy(model), task, rows, config, lacking):
        history = train(model, task, rows, config, dtype=torch.float32)
    weights = torch.cat([x.detach().flatten() for x in model.parameters()])
    return [event.loss for event in history.steps], weights


@pytest.mark.parametrize("count", [2, 4])
def test_processes_know_the_negatives_of_all(pairs, count):
    """Four of them have three rows in the second step: one has none."""
    expected, model = along_others(pairs, 1)
    got, other = along_others(pairs, count)
    assert got == pytest.approx(expected, rel=1e-5)
    assert float((model - other).abs().max()) < 1e-5


@pytest.mark.parametrize("lacking", [False, True], ids=["forth", "back"])
def test_all_begin_a_step_anew_when_the_memory_of_one_does_not_suffice(pairs, lacking):
    """Parts are small enough that a graph is made on the way back alone."""
    config = TrainingConfig(epochs=2, batch_size=4, learning_rate=1e-3, seed=3, token_budget=40)
    expected, model = along_others(pairs, 2, config)
    got, other = along_others(pairs, 2, config, lacking)
    assert got == pytest.approx(expected, rel=1e-5)
    assert float((model - other).abs().max()) < 1e-5
