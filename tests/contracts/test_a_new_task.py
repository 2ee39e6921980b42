"""A task that is merely registered goes through every verb: it is all that a new task takes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTERED = """
import sys
from glossator.tasks.registry import KINDS
KINDS["toy-choice"] = "toy"
{before}
from glossator.cli import main
sys.exit(main(sys.argv[1:]))
"""
# The process ends as by SIGKILL once the first checkpoint stands.
KILLED = """
import os
from glossator.runs.folder import RunFolder
from glossator.training.events import Saved
right = RunFolder.event
def event(self, event):
    right(self, event)
    if isinstance(event, Saved):
        os._exit(9)
RunFolder.event = event
"""


@pytest.fixture
def here(tmp_path, monkeypatch, tiny_model_folder):
    draw = random.Random(0)
    words = ["card", "film", "market", "team", "bank"]
    with open(tmp_path / "quiz.jsonl", "w") as file:
        for _ in range(80):
            choices = draw.sample(words, draw.randint(2, 4))
            answer = draw.randrange(len(choices))
            row = {"riddle": f"the {choices[answer]} is", "lines": choices, "solution": answer}
            file.write(json.dumps(row) + "\n")
        file.write(json.dumps({"riddle": "the card", "lines": ["card"], "solution": 0}) + "\n")
    (tmp_path / "tiny").symlink_to(tiny_model_folder)
    paths = [str(ROOT / "src"), str(ROOT / "tests" / "helpers")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def glossator(*words, before="", code=0):
    command = [sys.executable, "-c", REGISTERED.format(before=before), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


FIT = ("fit", "quiz.jsonl", "--model", "tiny", "--epochs", "3", "--checkpoint-steps", "2")


def test_it_goes_through_every_verb(here):
    shown, _ = glossator("fit", "--help")
    assert "--lines" in shown
    assert "--sharpness" in shown
    out, _ = glossator(*FIT, "--output", "a", "--sharpness", "2.0", "--json")
    found = json.loads(out)
    assert found["task"] == "toy-choice"
    assert found["rows"]["rejected"] == 1
    assert 0 <= found["test"]["accuracy"] <= 1
    page = (here / "a.run" / "report.html").read_text()
    assert "Choices" in page
    assert "says which choice answers it" in (here / "a" / "README.md").read_text()
    settings = json.loads((here / "a" / "glossator.json").read_text())
    assert settings["options"] == {"sharpness": 2.0}
    assert (here / "a" / "heads.safetensors").exists()

    answers, _ = glossator("predict", "a", "quiz.jsonl")
    rows = [json.loads(line) for line in answers.splitlines()]
    assert len(rows) == 81
    assert rows[-1]["error"]["kind"] == "few_choices"
    assert all(row["prediction"]["text"] in row["lines"] for row in rows[:-1])
    scored, _ = glossator("evaluate", "a", "quiz.jsonl", "--json")
    assert json.loads(scored)["rows"] == {"read": 81, "used": 80, "rejected": 1}
    compared, _ = glossator("compare", "a", "a", "quiz.jsonl", "--json")
    assert json.loads(compared)["accuracy"]["difference"] == 0
    looked, _ = glossator("inspect", "quiz.jsonl", "--json")
    assert json.loads(looked)["task"] == "toy-choice"
    assert "says which choice" in glossator("inspect", "a")[0]


def test_it_is_killed_and_goes_on(here):
    _, told = glossator(*FIT, "--output", "whole")
    assert "task toy-choice, read off the columns" in told
    glossator(*FIT, "--output", "killed", before=KILLED, code=9)
    assert not (here / "killed").exists()
    _, told = glossator(*FIT, "--output", "killed", "--resume")
    assert "going on after step" in told
    for name in ("model.safetensors", "heads.safetensors"):
        assert (here / "whole" / name).read_bytes() == (here / "killed" / name).read_bytes()
