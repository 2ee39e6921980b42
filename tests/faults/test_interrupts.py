"""Ctrl-C, SIGTERM and kill -9 in the middle of a run."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_what_it_has(training, number):
    training.send_signal(number)
    out, err = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Traceback" not in err
    assert "the best weights so far are scored and written" in err
    assert "Interrupted" in out
    settings = json.loads(Path("slow/glossator.json").read_text())
    assert settings["finished"] is False
    assert Path("slow.run/report.html").is_file()
    from glossator import load

    model = load("slow")
    assert model.predict(["card 3"])[0].label in {"card", "pin"}
    assert any("interrupted" in note for note in model.notes)


def test_a_killed_run_leaves_no_model_and_says_so(training, run):
    training.kill()
    training.communicate(timeout=60)
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
