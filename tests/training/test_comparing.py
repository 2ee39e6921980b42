"""A loss over a whole step goes through the model in parts and is still that of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from task_rows import twins

from glossator.finetuning.config import FitConfig, ModelConfig
from glossator.finetuning.run import run_fit
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.training.config import TrainingConfig
from glossator.training.events import Stepped
from glossator.training.gradients import StepGradients


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
        seen.append((work[1], found.detach().numpy().copy()))
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
