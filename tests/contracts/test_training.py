"""What every way to train must do; beside each contract, who breaks it."""

from __future__ import annotations

import dataclasses
import shutil
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from training_runs import Killed, Runs, at_step, make_model, same, weights

from glossator.config import from_mapping, to_toml
from glossator.finetuning.config import FitConfig
from glossator.tasks.registry import config_named
from glossator.training.checkpoints import Checkpoint, Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.optimizers import OPTIMIZERS
from glossator.training.schedules import SCHEDULES

TASK = "text-classification"
# Rates at which the tiny model learns; those of adafactor are relative.
RATES = {"adamw": 3e-3, "adafactor": 3e-2, "sgd": 0.1}
TASKS = {
    TASK: {
        "cross-entropy": {},
        "label smoothing": {"label_smoothing": 0.1},
        "focal": {"focal_gamma": 2.0},
        "class weights": {"class_weights": "auto"},
    }
}
MEMBERS: dict[str, dict[str, Any]] = {
    **{f"optimizer {name}": {"optimizer": name} for name in OPTIMIZERS},
    **{f"schedule {name}": {"schedule": name} for name in SCHEDULES},
    **{f"{task}, {goal}": TASKS[task][goal] for task in TASKS for goal in TASKS[task]},
}


class Member:
    """A way to train, given by its options."""

    checkpoints = Checkpoints

    def __init__(self, folder: Path, scratch: Path, options: dict[str, Any]):
        self.folder, self.options = folder, options
        self._run = Runs(folder, scratch)

    def given(self, **more):
        """All options: two epochs of five steps, unless said otherwise."""
        rate = RATES[self.options.get("optimizer", "adamw")]
        usual = {"learning_rate": rate, "epochs": 2, "warmup": 0.2, "seed": 5}
        return {**usual, **self.options, **more}

    def train(self, name=None, *, kill=None, **more):
        """The weights, and the losses of the steps."""
        got, history = self._run(
            name,
            kill=kill,
            dtype=torch.float32,
            checkpoints=self.checkpoints,
            **self.given(**more),
        )
        return got, [event.loss for event in history.steps]

    def config(self) -> FitConfig:
        names = [field.name for field in dataclasses.fields(config_named(TASK).options)]
        given = self.given()
        options = {name: given.pop(name) for name in names if name in given}
        return FitConfig(task=TASK, options=options, training=TrainingConfig(**given))

    def written(self) -> str:
        """The config as a run's folder has it."""
        return to_toml(self.config())


# Contracts


def a_step_moves_every_parameter(member):
    before = weights(make_model(member.folder))
    after, _ = member.train(epochs=1, batch_size=40)
    still = [name for name in before if torch.equal(before[name], after[name])]
    # What is added to all keys alike changes no softmax: its gradient is rounding alone.
    assert [name for name in still if not name.endswith("key.bias")] == []


def the_loss_of_a_fixed_batch_falls(member):
    _, losses = member.train(epochs=16, batch_size=40, patience=99, dropout=0.0)
    assert losses[-1] < 0.8 * losses[0]


def a_run_that_was_killed_ends_in_the_same_bits(member):
    expected, losses = member.train()
    with pytest.raises(Killed):
        member.train("killed", kill=at_step(7))
    got, told = member.train("killed")
    assert told == losses
    assert same(expected, got)


def its_config_comes_back_from_toml(member):
    read = from_mapping(FitConfig, tomllib.loads(member.written()))
    assert read == member.config()


def one_seed_is_one_result(member):
    (a, _), (b, _), (c, _) = (member.train(epochs=1, seed=seed) for seed in (1, 1, 2))
    assert same(a, b)
    assert not same(a, c)


def its_options_have_an_effect(member):
    rate = member.given()["learning_rate"]
    usual = Member(member.folder, Path(), {"learning_rate": rate})
    assert member.config() == usual.config() or not same(member.train()[0], usual.train()[0])


# Who breaks them


class Idle(Member):
    """Does not train at all, but for what it says."""

    def train(self, name=None, **more):
        return super().train(name, **{**more, "learning_rate": 1e-12})


class Frozen(Member):
    """Leaves one parameter out."""

    def train(self, name=None, **more):
        after, losses = super().train(name, **more)
        kept = "head.output.bias"
        return {**after, kept: weights(make_model(self.folder))[kept]}, losses


class WithoutMoments(Checkpoints):
    def read(self, step: int) -> Checkpoint:
        whole = super().read(step)
        tensors = {
            name: torch.zeros_like(tensor) if name.startswith("moments") else tensor
            for name, tensor in whole.tensors.items()
        }
        return dataclasses.replace(whole, tensors=tensors)


class AStepAhead(Checkpoints):
    def read(self, step: int) -> Checkpoint:
        whole = super().read(step)
        progress = {**whole.values["progress"], "step": step + 1}
        return dataclasses.replace(whole, values={**whole.values, "progress": progress})


class Forgetful(Member):
    """Forgets what the optimizer remembers."""

    checkpoints = WithoutMoments


class Hasty(Member):
    """Goes on one step too late."""

    checkpoints = AStepAhead


class Careless(Member):
    """Writes down less than it was told."""

    def written(self) -> str:
        config = self.config()
        training = dataclasses.replace(config.training, seed=0)
        return to_toml(dataclasses.replace(config, training=training))


class Unseeded(Member):
    """Draws another seed each time."""

    runs = 0

    def train(self, name=None, **more):
        self.runs += 1
        return super().train(name, **{**more, "seed": self.runs})


class Deaf(Member):
    """Trains as it always does."""

    def train(self, name=None, **more):
        return super().train(name, **more, optimizer="adamw", schedule="linear")


@dataclasses.dataclass(frozen=True)
class Contract:
    check: Callable[[Member], None]
    breakers: tuple[type[Member], ...]

    def __str__(self):
        return self.check.__name__


CONTRACTS = [
    Contract(a_step_moves_every_parameter, (Frozen,)),
    Contract(the_loss_of_a_fixed_batch_falls, (Idle,)),
    Contract(a_run_that_was_killed_ends_in_the_same_bits, (Forgetful, Hasty)),
    Contract(its_config_comes_back_from_toml, (Careless,)),
    Contract(one_seed_is_one_result, (Unseeded,)),
    Contract(its_options_have_an_effect, (Deaf,)),
]
BREAKERS = [(contract, breaker) for contract in CONTRACTS for breaker in contract.breakers]


@pytest.fixture(scope="session")
def folder(tiny_model_folder, tmp_path_factory) -> Path:
    """The tiny encoder with larger weights: as it is, all texts look alike to it, and SGD stays."""
    folder = tmp_path_factory.mktemp("bold") / "tiny-bert"
    shutil.copytree(tiny_model_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    larger = {name: x * (4 if x.ndim > 1 else 1) for name, x in tensors.items()}
    save_file(larger, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("contract", CONTRACTS, ids=str)
@pytest.mark.parametrize("member", MEMBERS)
def test_every_way_to_train_keeps_every_contract(folder, tmp_path, member, contract):
    contract.check(Member(folder, tmp_path, MEMBERS[member]))


@pytest.mark.parametrize("member", ["optimizer sgd", "schedule cosine"])
@pytest.mark.parametrize(
    ("contract", "breaker"), BREAKERS, ids=lambda x: getattr(x, "__name__", str(x))
)
def test_every_contract_can_be_broken(folder, tmp_path, member, contract, breaker):
    with pytest.raises(AssertionError):
        contract.check(breaker(folder, tmp_path, MEMBERS[member]))


def test_every_choice_stands_here():
    def choices(config: type, name: str) -> set[str]:
        return set(typing.get_args(typing.get_type_hints(config)[name]))

    assert choices(TrainingConfig, "optimizer") == OPTIMIZERS.keys() == RATES.keys()
    assert choices(TrainingConfig, "schedule") == SCHEDULES.keys()
