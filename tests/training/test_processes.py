"""Several processes train one model: the same losses, and an error in one ends all."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch

from glossator.errors import ConfigError, GlossatorError
from glossator.training import processes
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.distributed import Ranks
from glossator.training.loop import train
from glossator.training.processes import together

CONFIG = TrainingConfig(epochs=2, batch_size=8, learning_rate=1e-3, checkpoint_steps=3)


def along(rank, model, task, rows, config, folder=None):
    kept = Checkpoints(folder) if folder else None
    train(model, task, rows, config, dtype=torch.float32, checkpoints=kept)


def weights(model):
    return torch.cat([x.detach().flatten() for x in model.parameters()])


@pytest.fixture
def losses(model_of, task, rows):
    def run(count, config=CONFIG, notify=lambda _: None, checkpoints=None):
        model = model_of()
        folder = checkpoints.folder if checkpoints else None
        with together(count, along, model_of(), task, rows, config, folder):
            history = train(
                model,
                task,
                rows,
                config,
                dtype=torch.float32,
                notify=notify,
                checkpoints=checkpoints,
            )
        return [event.loss for event in history.steps], weights(model)

    return run


@pytest.fixture(autouse=True)
def all_the_time_for_last_words(monkeypatch):
    """A process that dies may be slow at it beside other loads."""
    monkeypatch.setattr(processes, "_LAST_WORDS", 500.0)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_process_that_dies_before_it_begins_is_not_waited_for():
    early = pytest.raises(GlossatorError, match="process 1 of 2 ended before it began")
    with early, together(2, along, Deadly()):
        pass


@pytest.mark.parametrize("count", [2, 4])
def test_processes_agree_with_one_to_rounding(losses, count):
    expected, model = losses(1)
    got, other = losses(count)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert float((model - other).abs().max()) < 1e-5


def test_in_parts_too(losses):
    config = TrainingConfig(epochs=1, batch_size=8, learning_rate=1e-3, token_budget=30)
    np.testing.assert_allclose(losses(2, config)[0], losses(1, config)[0], rtol=1e-6)


def test_a_run_of_two_is_resumed_to_the_bit(losses, tmp_path):
    expected, model = losses(2)

    def stop(event):
        if getattr(event, "step", 0) == 7 and hasattr(event, "loss"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        losses(2, notify=stop, checkpoints=Checkpoints(tmp_path))
    assert Checkpoints(tmp_path).steps()
    got, other = losses(2, checkpoints=Checkpoints(tmp_path))
    assert got == expected
    assert torch.equal(model, other)


def fails(rank, *_):
    ranks = Ranks.here()
    ranks.totals(1.0)
    raise GlossatorError("no memory left")


def dies(rank, *_):
    Ranks.here().totals(1.0)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("function", "why"), [(fails, "no memory left"), (dies, "killed by signal 9")]
)
def test_an_error_in_one_is_raised_in_the_first(function, why):
    def work():
        with together(2, function):
            assert Ranks.here().totals(1.0) == [2.0]
            Ranks.here().totals(1.0)  # waits for one that never comes

    with pytest.raises(GlossatorError, match=f"process 1 of 2 failed: .*{why}"):
        work()
    assert not torch.distributed.is_initialized()


def test_an_error_of_the_first_is_its_own(losses):
    def stop(event):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        losses(2, notify=stop)


def test_an_interrupt_ends_all_of_them(losses):
    def stop(event):
        if getattr(event, "step", 0) == 3 and hasattr(event, "loss"):
            raise KeyboardInterrupt

    got, _ = losses(2, notify=stop)
    assert len(got) == 3
    assert not torch.distributed.is_initialized()


def test_more_processes_than_rows_of_a_step_are_refused():
    Ranks(0, 8).check(100, 8)
    with pytest.raises(ConfigError, match=r"--processes 9 is more than a step has rows \(8\)"):
        Ranks(0, 9).check(100, 8)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_item_is_dealt_out_once_and_collected_in_order(count, monkeypatch):
    items = list(range(10))
    ranks = [Ranks(rank, count) for rank in range(count)]
    shares = [[2.0 * i for i in r.deal(items)] for r in ranks]
    monkeypatch.setattr(Ranks, "gathered", lambda self, value: shares)
    assert ranks[0].collect(shares[0]) == [2.0 * i for i in items]
    dealt = [i for r in ranks for i in r.share(items, [1] * 10)]
    assert sorted(dealt) == items
