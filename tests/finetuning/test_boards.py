"""Where curves are drawn."""

from __future__ import annotations

import sys
import time

import pytest

from glossator.errors import MissingPackageError


def points(folder, name):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    return [(event.step, event.value) for event in accumulator.Scalars(name)]


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_each_step_once_though_the_run_broke_off(fit, rows, tmp_path):
    class Stop(Exception):
        pass

    class Watch:
        def __getattr__(self, name):
            return lambda *_: None

        def training(self, event):
            if getattr(event, "step", 0) == 5 and hasattr(event, "loss"):
                raise Stop

    options = {"epochs": 3, "batch_size": 16, "checkpoint_steps": 2}
    with pytest.raises(Stop):
        fit(rows, output=tmp_path / "m", watch=Watch(), **options)
    fit(rows, output=tmp_path / "m", resume=True, **options)
    steps = [step for step, _ in points(tmp_path / "m.run", "train/loss")]
    assert steps == sorted(set(steps))
    assert len(steps) == 9
    rates = [value for _, value in points(tmp_path / "m.run", "train/rate")]
    assert rates[-1] < max(rates)


def test_without_wandb_the_command_that_installs_it_is_named(fit, rows, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'glossator\[wandb\]'"):
        fit(rows, output=tmp_path / "m", track="wandb")
    assert not (tmp_path / "m.run").exists()


@pytest.mark.filterwarnings("ignore")
def test_wandb_keeps_a_run_without_a_network(fit, rows, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    fit(rows, output=tmp_path / "m", track="wandb")
    (kept,) = (tmp_path / "m.run" / "wandb").glob("offline-run-*/run-*.wandb")
    assert (tmp_path / "m.run" / "wandb-id").read_text() in kept.name
    # Another process writes it, and may still be at it when the run has ended here.
    limit = time.monotonic() + 120
    while b"train/loss" not in kept.read_bytes() and time.monotonic() < limit:
        time.sleep(0.1)
    assert b"train/loss" in kept.read_bytes()
