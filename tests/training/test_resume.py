"""A run that was cut short ends in the same bits as one that was not."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
from training_runs import EPOCHS, STEPS, Killed, Runs, Scores, at_step, same, without_time

from glossator.errors import CheckpointError, GlossatorError
from glossator.training.checkpoints import Checkpoints
from glossator.training.config import TrainingConfig
from glossator.training.events import Diverged, Ended, Resumed, Saved, Stepped
from glossator.training.loop import train


@pytest.fixture
def run(tiny_model_folder, tmp_path):
    return Runs(tiny_model_folder, tmp_path)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6, 11, 14, 15])
def test_killed_at_a_step_and_resumed_it_is_the_same_to_the_bit(run, step):
    expected, history = run()
    with pytest.raises(Killed):
        run("one", kill=at_step(step))
    events = []
    got, resumed = run("one", events=events)
    assert same(expected, got)
    assert without_time(resumed) == without_time(history)
    assert any(isinstance(event, Resumed) for event in events) == (step > 2)


def test_another_point_to_go_on_from_would_be_seen(run, tmp_path):
    """The control: a checkpoint of other weights gives other weights."""
    expected, _ = run()
    with pytest.raises(Killed):
        run("one", kill=at_step(7))
    with pytest.raises(Killed):
        run("other", kill=at_step(7), epochs=EPOCHS, learning_rate=1.001e-3)
    newest = Checkpoints(tmp_path / "one").steps()[-1]
    name = f"step-{newest:09d}"
    state = json.loads((tmp_path / "one" / name / "state.json").read_text())
    other = json.loads((tmp_path / "other" / name / "state.json").read_text())
    other["values"]["identity"] = state["values"]["identity"]
    for file in (tmp_path / "one" / name).iterdir():
        file.write_bytes((tmp_path / "other" / name / file.name).read_bytes())
    (tmp_path / "one" / name / "state.json").write_text(json.dumps(other))
    got, _ = run("one")
    assert not same(expected, got)


@pytest.mark.parametrize(
    "options",
    [
        {"ema": 0.9},
        {"token_budget": 40},  # several parts a step
        {"layer_decay": 0.8, "label_smoothing": 0.1},
        {"dtype": torch.float32},
        {"dev": False},
    ],
    ids=str,
)
def test_whatever_the_options_it_is_resumed_to_the_bit(run, options):
    expected, _ = run(**options)
    for step in (4, 9):  # twice over, the second time by way of the first
        with pytest.raises(Killed):
            run("one", kill=at_step(step), **options)
    got, _ = run("one", **options)
    assert same(expected, got)


def test_killed_while_dev_is_scored(run, monkeypatch):
    expected, _ = run()

    def killed(self):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Scores, "__call__", killed)
        with pytest.raises(Killed):
            run("one")
    got, _ = run("one")
    assert same(expected, got)


def test_killed_in_the_middle_of_accumulation(run, monkeypatch):
    from glossator.training.sharding import ShardedOptimizer

    expected, _ = run(token_budget=40)
    takes, whole = [], ShardedOptimizer.take_gradients

    def take(self, parts):
        takes.append(parts)
        if len(takes) == 30:
            raise Killed
        whole(self, parts)

    with monkeypatch.context() as patch:
        patch.setattr(ShardedOptimizer, "take_gradients", take)
        with pytest.raises(Killed):
            run("one", token_budget=40)
    got, _ = run("one", token_budget=40)
    assert same(expected, got)


def test_killed_while_a_checkpoint_is_written(run, tmp_path, monkeypatch):
    from glossator.training import checkpoints

    expected, _ = run()
    whole = checkpoints.write_checkpoint

    def half(path: Path, checkpoint):
        if checkpoint.step >= 6:
            (path / "state.json").write_text("{")
            raise OSError(28, "No space left on device")
        whole(path, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_checkpoint", half)
        with pytest.raises(OSError, match="No space left"):
            run("one")
    assert Checkpoints(tmp_path / "one").steps()[-1] == 5
    got, _ = run("one")
    assert same(expected, got)


def test_what_is_written_is_the_run_as_it_was_however_far_training_has_gone(run, monkeypatch):
    from glossator.training import checkpoints

    expected, _ = run()
    whole, taken = checkpoints.write_checkpoint, [threading.Event() for _ in range(STEPS + 1)]

    def late(path: Path, checkpoint):
        taken[min(checkpoint.step + 1, 8)].wait(10)
        whole(path, checkpoint)

    def kill(event):
        if isinstance(event, Stepped):
            taken[event.step].set()
        return at_step(8)(event)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_checkpoint", late)
        with pytest.raises(Killed):
            run("one", kill=kill)
    got, _ = run("one")
    assert same(expected, got)


def test_a_checkpoint_is_named_only_when_it_can_be_read(run, tmp_path):
    def kill(event):
        if isinstance(event, Saved):
            assert Checkpoints(tmp_path / "one").read(event.step).step == event.step
        return False

    events = []
    run("one", kill=kill, events=events)
    saved = [event.step for event in events if isinstance(event, Saved)]
    assert saved == [2, 4, 5, 6, 8, 10, 12, 14, 15]


def test_a_run_that_is_over_gives_its_weights_again(run):
    first, _ = run("one")
    events = []
    again, history = run("one", events=events)
    assert same(first, again)
    assert not any(isinstance(event, Stepped) for event in events)
    assert len(history.steps) == STEPS


def test_changed_options_are_listed_and_refused(run):
    with pytest.raises(Killed):
        run("one", kill=at_step(7))
    with pytest.raises(CheckpointError) as caught:
        run("one", learning_rate=2e-3, batch_size=4)
    assert "learning-rate was 0.001, is 0.002" in str(caught.value)
    assert "batch-size was 8, is 4" in str(caught.value)
    run("one", keep_checkpoints=5, time_limit="1h")  # alters nothing that was done


def test_other_rows_and_other_weights_are_refused(run, rows, model_of, task, tmp_path):
    with pytest.raises(Killed):
        run("one", kill=at_step(7))
    config = TrainingConfig(
        epochs=EPOCHS, batch_size=8, checkpoint_steps=2, patience=9, learning_rate=1e-3
    )
    model = model_of(dropout=0.1)
    with torch.no_grad():
        model.head.output.weight[0, 0] += 1
    kept = Checkpoints(tmp_path / "one")
    with pytest.raises(CheckpointError, match=r"of another run: first weights was \w+, is \w+"):
        train(model, task, rows, config, dtype=torch.bfloat16, checkpoints=kept)
    kept = Checkpoints(tmp_path / "one")
    with pytest.raises(CheckpointError, match="training rows was"):
        train(model_of(dropout=0.1), task, rows[1:], config, dtype=torch.bfloat16, checkpoints=kept)


def test_another_machine_is_named_and_gone_on_with(run, tmp_path):
    with pytest.raises(Killed):
        run("one", kill=at_step(7))
    for file in (tmp_path / "one").glob("*/state.json"):
        state = json.loads(file.read_text())
        state["values"]["identity"]["machine"]["torch"] = "1.0"
        file.write_text(json.dumps(state))
    events = []
    run("one", events=events)
    (resumed,) = [event for event in events if isinstance(event, Resumed)]
    assert resumed.differences == (f"torch was 1.0, is {torch.__version__}",)


def test_the_best_checkpoint_is_missed(run, tmp_path):
    import shutil

    with pytest.raises(Killed):
        run("one", kill=at_step(9))
    shutil.rmtree(tmp_path / "one" / "step-000000005")
    with pytest.raises(CheckpointError, match="the checkpoint of the best step, 5, is gone"):
        run("one")


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied"])
def test_a_damaged_checkpoint_is_named_and_an_older_one_taken(run, tmp_path, damage):
    whole, _ = run("whole")
    with pytest.raises(Killed):
        run("one", kill=at_step(9))
    newest = tmp_path / "one" / "step-000000008"
    tensors = newest / "tensors.safetensors"
    held = tensors.read_bytes()
    if damage == "cut":
        tensors.write_bytes(held[:-1])
    elif damage == "changed":
        tensors.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    else:
        (newest / "state.json").unlink()
    events = []
    again, _ = run("one", events=events)
    (resumed,) = [event for event in events if isinstance(event, Resumed)]
    assert resumed.step < 8
    (named,) = resumed.damaged
    assert str(newest) in named
    assert same(whole, again)


def test_where_no_checkpoint_is_whole_the_newest_is_named(run, tmp_path):
    with pytest.raises(Killed):
        run("one", kill=at_step(9))
    for file in (tmp_path / "one").glob("*/tensors.safetensors"):
        file.write_bytes(b"")
    with pytest.raises(CheckpointError, match="cut or changed") as caught:
        run("one")
    assert "step-000000008" in str(caught.value)


def test_a_loss_that_is_no_number_names_its_rows(run, monkeypatch, tmp_path):
    from glossator.training.gradients import StepGradients

    whole = StepGradients.take

    def take(self, examples, step):
        loss, count = whole(self, examples, step)
        return (float("nan") if step == 6 else loss), count

    events = []
    with monkeypatch.context() as patch:
        patch.setattr(StepGradients, "take", take)
        with pytest.raises(GlossatorError, match="the loss of step 7 is nan"):
            run("one", events=events)
    (diverged,) = [event for event in events if isinstance(event, Diverged)]
    assert (diverged.step, diverged.what, diverged.value) == (7, "loss", "nan")
    assert len(set(diverged.rows)) == 8
    assert Checkpoints(tmp_path / "one").steps()[-1] == 6


def test_a_run_says_what_ended_it(run):
    events = []
    _, history = run(events=events)
    assert history.ended_by == "steps"
    assert not [event for event in events if isinstance(event, Ended)]
    _, history = run(epochs=40, patience=1, learning_rate=1e-9)
    assert history.ended_by == "patience"


def test_the_time_limit_ends_a_run_with_a_rate_near_zero(run, monkeypatch):
    from glossator.training import loop

    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 0.25
            return self.now

    monkeypatch.setattr(loop, "time", Clock())
    events = []
    _, history = run(time_limit="20s", epochs=40, warmup=0.0, events=events)
    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert (ended.step, ended.planned, ended.by) == (len(history.steps), 200, "time")
    assert history.ended_by == "time"
    assert 5 < len(history.steps) < 40
    assert history.evaluations[-1].step == len(history.steps)
    rates = [event.rate for event in history.steps]
    assert rates[-1] < 0.25 * max(rates)
    assert history.finished
