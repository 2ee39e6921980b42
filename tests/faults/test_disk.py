"""No room on the disk, files that changed, no network, no memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from glossator.files import replaced_file


@pytest.fixture
def tiny_tensors():
    return {"weight": torch.zeros(1_000)}


@pytest.mark.parametrize("limit", [1_000, 30_000, 90_000])
def test_a_disk_that_fills_in_fit_leaves_no_model(run, here, limit):
    """The config, the report and the weights are the first to be larger than the limits."""
    done = run("fit", "table.csv", "--model", "tiny", "--epochs", "1", limit=limit)
    assert done.code == 1
    assert "File too large" in done.error
    assert done.error.startswith("error: table-model")
    assert "glossator's own" not in done.error
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


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "tsv.gz", "parquet"])
def test_a_disk_that_fills_in_predict_is_told_with_the_path_of_the_answers(run, here, suffix):
    words = ["predict", "model", "table.csv", "--output", f"answers.{suffix}"]
    done = run(*words, limit=500)
    assert done.code == 1
    assert done.error == f"error: answers.{suffix}: File too large"
    assert not [path for path in here.iterdir() if path.name.startswith((".", "answers"))]


def test_a_disk_that_fills_with_a_tokenizer_is_told_with_its_path(run, here):
    Path("text.txt").write_text("".join(f"the card number {i * 7919}\n\n" for i in range(400)))
    words = ["tokenizer", "text.txt", "--vocab-size", "300", "--output", "mine"]
    assert run(*words, limit=500).error == f"error: {tempfile.gettempdir()}: File too large"
    done = run(*words, "--kind", "bpe", limit=500)
    assert done.code == 1
    assert done.error == "error: mine/tokenizer.json: File too large"
    assert not Path("mine").exists()


def test_a_disk_that_fills_with_a_corpus_is_told_with_its_path(run, here):
    Path("text.txt").write_text("".join(f"the card number {i} is here\n\n" for i in range(900)))
    words = ["pretrain", "text.txt", "--model", "tiny", "--output", "mine"]
    done = run(*words, "--max-steps", "2", "--length", "32", limit=2_000)
    assert done.code == 1
    assert done.error.startswith("error: mine.run")
    assert done.error.endswith(": File too large")


def test_a_disk_that_fills_with_a_checkpoint_names_it(tiny_tensors, tmp_path, file_limit):
    from glossator.training.checkpoints import Checkpoint, Checkpoints

    checkpoints = Checkpoints(tmp_path / "checkpoints")
    with file_limit(1_000):
        checkpoints.save(Checkpoint(step=3, values={}, tensors=tiny_tensors))
        with pytest.raises(OSError, match="File too large") as found:
            checkpoints.wait()
    checkpoints.close()
    assert found.value.filename == str(checkpoints.path(3) / "tensors.safetensors")
    assert checkpoints.steps() == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Error while serializing: No space left on device (os error 28)"),
        OSError(28, "Error writing bytes to file. Detail: [errno 28] No space left on device"),
    ],
)
def test_a_full_disk_is_one_whoever_found_it(tmp_path, error):
    said = "No space left on device"
    with pytest.raises(OSError, match=said) as found, replaced_file(tmp_path / "a.bin"):
        raise error
    assert (found.value.errno, found.value.filename) == (28, str(tmp_path / "a.bin"))
    assert found.value.strerror == said


@pytest.mark.parametrize("error", [OSError(32, "Broken pipe"), RuntimeError("oh"), OSError("no")])
def test_what_is_no_full_disk_stays_what_it_is(tmp_path, error):
    """The control."""
    with pytest.raises(type(error)) as found, replaced_file(tmp_path / "a.bin"):
        raise error
    assert found.value is error


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
