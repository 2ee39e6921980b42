"""Small training runs that can be killed and taken up again, for the tests of the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from label_records import records

from glossator.models import checkpoint
from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.task import Base
from glossator.text.records import Record
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.dev import Dev
from glossator.training.events import Event, Stepped
from glossator.training.loop import train

LABELS = ("no", "yes")
EPOCHS, STEPS = 3, 15  # 5 steps an epoch


class Killed(Exception):
    """In the place of a SIGKILL: nothing is written after it."""


class Scores:
    """Scores that hang on the weights, so that what is best does too; the third time is worse."""

    def __init__(self, model):
        self.model, self.asked = model, 0

    def __call__(self):
        self.asked += 1
        weight = self.model.head.output.weight
        return {"accuracy": float(weight.detach().float().sum().cos())}


def make_task(folder: Path, options: Options | None = None) -> OneLabel:
    """Text classification as the rows of `make_records` define it."""
    return OneLabel.learn(make_records(), Base.of(folder, 24), options or Options())


def make_rows(task):
    return task.encode(make_records())


def make_records() -> list[Record]:
    """40 rows of mixed lengths, some of several windows; the first word gives the label away."""
    random = np.random.default_rng(2)
    words = ["film", "card", "the", "market", "won", "week"]
    targets = random.integers(0, 2, 40)
    texts = [
        f"{'great' if y else 'bad'} " + " ".join(random.choice(words, random.integers(1, 40)))
        for y in targets
    ]
    return records(texts, [LABELS[y] for y in targets])


def make_model(folder: Path, dropout: float = 0.0):
    """Always the same."""
    model = checkpoint.load_classifier(folder, LABELS, seed=1)
    for module in model.modules():
        for name in ("p", "dropout", "dropout_p"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, dropout)
    return model


class Runs:
    """Trains; returns the weights and the history.

    Args:
        folder: of the encoder.
        scratch: folder for checkpoints.
    """

    def __init__(self, folder: Path, scratch: Path):
        self.folder, self.scratch = folder, scratch

    def __call__(
        self,
        name: str | None = None,
        *,
        kill: Callable[[Event], bool] | None = None,
        dev: bool = True,
        dtype: torch.dtype = torch.bfloat16,
        dropout: float = 0.1,
        events: list[Event] | None = None,
        checkpoints: type[Checkpoints] = Checkpoints,
        **options: Any,
    ):
        """Train; with a `name` the run goes on from the checkpoints of that name."""
        config = {"epochs": EPOCHS, "batch_size": 8, "checkpoint_steps": 2, "patience": 9}
        names = [field.name for field in dataclasses.fields(Options)]
        told = Options(**{name: options.pop(name) for name in names if name in options})
        config = TrainingConfig(**{**config, "learning_rate": 1e-3, **options})
        model = make_model(self.folder, dropout)
        task = make_task(self.folder, told)
        rows = make_rows(task)

        def notify(event: Event) -> None:
            if events is not None:
                events.append(event)
            if kill and kill(event):
                raise Killed

        history = train(
            model,
            task,
            rows,
            config,
            dtype=dtype,
            dev=Dev(rows, Scores(model), _better) if dev else None,
            notify=notify,
            checkpoints=checkpoints(self.scratch / name, keep=2) if name else None,
        )
        return weights(model), history


def _better(new, old):
    return new["accuracy"] > old["accuracy"]


def weights(model):
    return {name: x.detach().clone() for name, x in model.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def at_step(step: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Stepped) and event.step == step


def without_time(history):
    steps = [(e.step, e.epoch, e.loss, e.rate, e.norm, e.rows, e.tokens) for e in history.steps]
    return steps, history.evaluations, history.best_step, history.epochs
