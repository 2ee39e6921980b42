"""Ctrl-C, SIGTERM and kill -9 in the middle of a run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HALTING = Path(__file__).parents[1] / "helpers" / "halting.py"
PATIENCE = 500


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_what_it_has(training, number):
    training.send_signal(number)
    out, err = training.communicate(timeout=PATIENCE)
    assert training.returncode == 130
    assert "Traceback" not in err
    assert "the best weights so far are scored and written" in err
    assert "The run was interrupted after " in out
    settings = json.loads(Path("slow/glossator.json").read_text())
    assert settings["finished"] is False
    assert Path("slow.run/report.html").is_file()
    from glossator import load

    model = load("slow")
    assert model.predict(["card 3"])[0].label in {"card", "pin"}
    taken = settings["steps"]["taken"]
    assert 0 < taken < settings["steps"]["planned"] == 5000 * 10
    assert model.notes == (
        f"slow is from a run that was interrupted after {taken:,} of 50,000 steps",
    )


def test_a_killed_run_leaves_no_model_and_says_so(training, run):
    training.kill()
    training.communicate(timeout=PATIENCE)
    assert not Path("slow").exists()
    assert Path("slow.run/log.jsonl").read_text()
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "1", "--output", "slow"]
    again = run(*words)
    assert again.code == 2
    assert again.error.startswith("error: slow.run ")
    assert "--overwrite replaces it" in again.error
    assert run(*words, "--overwrite").code == 0
    assert Path("slow/manifest.json").is_file()
    left = {path.name for path in Path().iterdir()}
    assert left == {"table.csv", "model", "tiny", "slow", "slow.run"}


def weights(folder):
    return Path(folder, "model.safetensors").read_bytes()


@contextlib.contextmanager
def halted(*words):
    """A run that has logged its third checkpoint and waits; it is killed in the end."""
    pipe = subprocess.PIPE
    command = [sys.executable, HALTING, *words]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout.readline() == b"halted\n"
            yield process
        finally:
            process.kill()


def kill_halted(*words):
    with halted(*words):
        pass


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("extra", ["--resume", "--overwrite"])
def test_a_run_that_another_process_writes_is_left_alone(here, run, extra):
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "40", "--output", "slow"]
    with halted(*words) as process:
        before = contents("slow.run")
        refused = run(*words, extra)
        assert refused.code == 2
        assert f"slow.run is being written by process {process.pid} on " in refused.error
        assert contents("slow.run") == before
        assert not Path("slow").exists()
    done = run(*words, extra)  # the lock of a killed process is free
    assert done.code == 0, done.err
    assert {path.name for path in here.iterdir()} == {
        "table.csv", "model", "tiny", "slow", "slow.run"
    }  # fmt: skip


def test_pretraining_is_locked_too(here, run):
    from glossator.runs.lock import locked

    with locked(Path("slow.run")):
        words = ["pretrain", "table.csv", "--model", "tiny", "--output", "slow"]
        refused = run(*words)
    assert refused.code == 2
    assert f"slow.run is being written by process {os.getpid()} on " in refused.error


@pytest.mark.parametrize("extra", [(), ("--learning-rate", "auto")], ids=["", "auto"])
def test_a_killed_run_goes_on_where_it_was_and_ends_in_the_same_bits(here, run, extra):
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "40", "--patience", "40", *extra]
    kill_halted(*words, "--output", "slow")
    log = Path("slow.run/log.jsonl")
    saved = max(x["step"] for x in events(log) if x["event"] == "saved")
    assert not Path("slow").exists()
    done = run(*words, "--output", "slow", "--resume")
    assert done.code == 0, done.err
    (resumed,) = [x for x in events(log) if x["event"] == "resumed"]
    assert resumed["step"] >= saved
    assert run(*words, "--output", "whole").code == 0
    assert weights("slow") == weights("whole")
    again = run(*words, "--output", "slow", "--resume")
    assert again.code == 0
    assert "slow is finished" in again.error
    assert not Path("slow.run/checkpoints").exists()
    changed = run(*words, "--seed", "5", "--output", "slow", "--resume")
    assert changed.code == 2
    assert "begun with other options" in changed.error
    assert "seed was 0, is 5" in changed.error


def events(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_resume_without_a_run_begins_one_and_says_so(run):
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "1", "--output", "fresh"]
    done = run(*words, "--resume")
    assert done.code == 0, done.error
    assert "there is no checkpoint to go on from: the run begins anew" in done.err


def test_a_refit_that_is_interrupted_leaves_the_model_that_was_scored(here, run, monkeypatch):
    from glossator.cli.fit_watch import FitWatch
    from glossator.training.events import Stepped

    def interrupt(self, event):
        if isinstance(event, Stepped) and event.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "1"]
    assert run(*words, "--output", "scored").code == 0
    assert run(*words, "--output", "whole", "--refit").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(FitWatch, "refitting", interrupt)
        done = run(*words, "--output", "again", "--refit")
    assert done.code == 130
    said = "Not refitted on all rows: it was interrupted. The model is the one that was scored."
    assert f"! {said} --resume goes on with it." in done.err
    assert said in done.out
    assert "The run was interrupted while the model was refitted on all rows." in done.out
    assert weights("again") == weights("scored") != weights("whole")
    shown = run("inspect", "again")
    assert "! from a run that was interrupted while it was refitted" in shown.out
    gone_on = run(*words, "--output", "again", "--refit", "--resume")
    assert gone_on.code == 0, gone_on.err
    assert weights("again") == weights("whole")
    shown = run("inspect", "again")
    assert "The scores are of the model before it was refitted on all 400 rows." in shown.out
    assert "interrupted" not in shown.out


def test_a_finished_model_is_not_taken_for_a_refitted_one(here, run):
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "1", "--output", "once"]
    assert run(*words).code == 0
    asked = run(*words, "--refit", "--resume")
    assert asked.code == 2
    assert "refit was False, is True" in asked.error
