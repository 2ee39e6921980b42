"""No room on the disk, files that changed, no network, no memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("limit", [1_000, 30_000, 90_000])
def test_a_disk_that_fills_in_fit_leaves_no_model(run, here, limit):
    """The config, the report and the weights are the first to be larger than the limits."""
    done = run("fit", "table.csv", "--model", "tiny", "--epochs", "1", limit=limit)
    assert done.code == 1
    assert "File too large" in done.error
    assert not Path("table-model").exists()
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_the_limit_is_what_stops_it(run):
    """The control: with room for all, the same command ends well."""
    done = run("fit", "table.csv", "--model", "tiny", "--epochs", "1", limit=10_000_000)
    assert done.code == 0


def test_a_disk_that_fills_in_fit_keeps_the_folder_that_was_there(run, here):
    before = {path.name: path.read_bytes() for path in Path("model").iterdir()}
    words = ["--model", "tiny", "--epochs", "1", "--output", "model", "--overwrite"]
    done = run("fit", "table.csv", *words, limit=30_000)
    assert done.code == 1
    assert {path.name: path.read_bytes() for path in Path("model").iterdir()} == before


def test_a_disk_that_fills_in_predict_keeps_the_answers_that_were_there(run, here):
    Path("answers.jsonl").write_text("mine")
    words = ["predict", "model", "table.csv", "--output", "answers.jsonl", "--overwrite"]
    done = run(*words, limit=20_000)
    assert done.code == 1
    assert "File too large" in done.error
    assert Path("answers.jsonl").read_text() == "mine"
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_written_to_is_named(run, here):
    done = run("fit", "table.csv", "--model", "tiny", "--output", "table.csv/model")
    assert done.code == 1
    assert done.error.startswith("error: table.csv")


def test_it_works_with_the_network_unplugged(here):
    unplugged = ("unshare", "-rn")
    try:
        subprocess.run([*unplugged, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system does not let us take the network away")
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "1", "--json"]
    program = [*unplugged, sys.executable, "-m", "glossator"]
    done = subprocess.run([*program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
