from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.result import FitResult
from glossator.finetuning.run import run_fit
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.tasks.kinds.text_classification.config import Options
from glossator.training.config import TrainingConfig

CANARY = "zzqxcanary"  # stands in every text, and must stand in no file of a model folder
WORDS = ["film", "story", "card", "the", "of", "and", "week", "team"]


def make_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Reviews whose first word gives the label away."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        label = ("bad", "good")[number % 2]
        rest = " ".join(random.choice(WORDS, random.integers(2, 12)))
        rows.append({"text": f"{label} {rest} {CANARY} {number}", "label": label})
    return rows


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., list[dict[str, Any]]]:
    """`make_rows`."""
    return make_rows


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """60 rows of two classes."""
    return make_rows(60)


@pytest.fixture
def table(rows: list[dict[str, Any]], tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


PARTS = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "runtime": RuntimeConfig,
}


def make_config(model: Path, **options: Any) -> FitConfig:
    """A quick run in float32; options go to the part that has them."""
    options = {
        "model": str(model),
        "epochs": 1,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "precision": "float32",
        "device": "cpu",
        **options,
    }
    apart = {name: options.pop(name) for name in ("refit", "track", "recipe") if name in options}
    columns = {name: (options.pop(name),) for name in ("text", "label") if name in options}
    told = {name: options.pop(name) for name in list(options) if hasattr(Options, name)}
    parts = {
        name: cls(**{k: options.pop(k) for k in list(options) if k in cls.__dataclass_fields__})
        for name, cls in PARTS.items()
    }
    assert not options
    return FitConfig(columns=columns, options=told, **parts, **apart)


@dataclass
class Heard(Watch):
    """Remembers what a run tells."""

    def __init__(self) -> None:
        self.findings: list[Any] = []
        self.notes: list[str] = []
        self.events: list[Any] = []
        self.scored: list[tuple[int, int]] = []

    def preflight(self, findings, rows):
        self.findings, self.rows = list(findings), rows

    def model(self, notes, measures):
        self.notes, self.measures = list(notes), list(measures)

    def training(self, event):
        self.events.append(event)

    def scoring(self, done, total):
        self.scored.append((done, total))


@pytest.fixture
def heard() -> Heard:
    """A watch that remembers."""
    return Heard()


@pytest.fixture
def fit(tiny_model_folder: Path) -> Callable[..., FitResult]:
    """Runs `run_fit` on the tiny model."""

    def run(source: Any, *, output=None, watch=None, **options) -> FitResult:
        how = {name: options.pop(name, False) for name in ("overwrite", "resume")}
        config = make_config(options.pop("model", tiny_model_folder), **options)
        return run_fit(source, config, output=output, watch=watch, **how)

    return run


@dataclass(frozen=True)
class Fitted:
    """A run that was written down."""

    result: FitResult
    folder: Path
    rows: list[dict[str, Any]]


@pytest.fixture(scope="session")
def fitted(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """One run of ten epochs on 80 rows, for many tests; nothing may change it."""
    folder = tmp_path_factory.mktemp("fitted") / "reviews-model"
    rows = [*make_rows(80), {"text": " ", "label": "bad"}, {"text": f"{CANARY} x", "label": ""}]
    learn = {"epochs": 10, "patience": 10, "learning_rate": 1e-2}
    config = make_config(tiny_model_folder, dev_fraction=0.2, test_fraction=0.2, **learn)
    return Fitted(run_fit(rows, config, output=folder, command="glossator fit"), folder, rows)
