"""Training on a Ray cluster of this machine, where Ray is installed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from glossator.clusters import connected
from glossator.errors import ConfigError, GlossatorError, MissingPackageError
from glossator.training import cluster
from glossator.training.checkpoints import Checkpoints
from glossator.training.cluster import on_cluster
from glossator.training.config import SpreadConfig, TrainingConfig
from glossator.training.events import Resumed, Saved, Stepped
from glossator.training.loop import train

CONFIG = TrainingConfig(epochs=2, batch_size=8, learning_rate=1e-3, checkpoint_steps=2)


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'glossator\[ray\]'"):  # noqa: SIM117
        with connected("local", 2):
            pass


def test_options_that_contradict_each_other():
    with pytest.raises(ConfigError, match="--workers asks for --ray"):
        SpreadConfig(workers=2)
    with pytest.raises(ConfigError, match="exclude each other"):
        SpreadConfig(ray="local", processes=2)


def along(rank, folder, model, task, rows, config, notify):
    """Train; the second worker dies once, after a checkpoint stands."""
    died = Path(folder, "died")

    def told(event):
        notify(event)
        if rank == 1 and isinstance(event, Stepped) and event.step == 7 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    history = train(
        model,
        task,
        rows,
        config,
        dtype=torch.float32,
        notify=told,
        checkpoints=Checkpoints(Path(folder, "checkpoints")),
    )
    return [event.loss for event in history.steps]


def fails(rank, notify):
    raise GlossatorError("no memory left")


def waits(rank, notify):
    notify(Saved(1))
    threading.Event().wait()


def dies(rank, notify):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore")
def test_a_lost_worker_costs_the_steps_since_the_checkpoint(
    ray_cluster, model_of, task, rows, tmp_path
):
    expected = train(model_of(), task, rows, CONFIG, dtype=torch.float32)
    events = []
    losses = on_cluster(
        ray_cluster,
        2,
        along,
        [str(tmp_path), model_of(), task, rows, CONFIG],
        folder=tmp_path,
        notify=events.append,
    )
    assert (tmp_path / "died").exists()
    np.testing.assert_allclose(losses, [event.loss for event in expected.steps], rtol=1e-6)
    (resumed,) = [event for event in events if isinstance(event, Resumed)]
    told = [e.step for e in events[: events.index(resumed)] if isinstance(e, Saved)]
    # The one of step 6 may stand untold: the first worker is ended where it is.
    assert 4 <= max(told) <= resumed.step <= 6


@pytest.mark.filterwarnings("ignore")
def test_an_error_of_a_worker_is_told(ray_cluster, tmp_path):
    with pytest.raises(GlossatorError, match=r"worker [01]: no memory left"):
        on_cluster(ray_cluster, 2, fails, [], folder=tmp_path, notify=lambda _: None)


@pytest.mark.filterwarnings("ignore")
def test_an_interrupt_ends_workers_that_are_busy(ray_cluster, tmp_path):
    """Afterwards, in the test that follows, the cluster serves again."""

    def interrupt(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_cluster(ray_cluster, 2, waits, [], folder=tmp_path, notify=interrupt)


@pytest.mark.filterwarnings("ignore")
def test_workers_that_are_lost_too_often_are_told(ray_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_LOSSES", 0)
    with pytest.raises(GlossatorError, match="a worker of the cluster failed: "):
        on_cluster(ray_cluster, 2, dies, [], folder=tmp_path, notify=lambda _: None)


def test_no_cluster_at_the_address():
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):  # noqa: SIM117
        with connected("127.0.0.1:1", 1):
            pass
