"""Checkpoints: whole or not there, and refused where one byte is off."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch

from glossator.errors import CheckpointError
from glossator.training.checkpoints import Checkpoint, Checkpoints, read_checkpoint


def made(step: int) -> Checkpoint:
    return Checkpoint(step, {"progress": {"step": step}}, {"weights": torch.full((40,), step / 7)})


@pytest.fixture
def checkpoints(tmp_path: Path):
    kept = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield kept
    kept.close()


def test_what_was_saved_is_read(checkpoints) -> None:
    checkpoints.save(made(7))
    assert checkpoints.wait() == 7
    read = checkpoints.read(7)
    assert (read.step, read.values) == (7, {"progress": {"step": 7}})
    assert torch.equal(read.tensors["weights"], made(7).tensors["weights"])


def test_the_last_ones_and_the_best_stay(checkpoints) -> None:
    for step in range(1, 6):
        checkpoints.save(made(step), best_step=2)
    checkpoints.wait()
    assert checkpoints.steps() == [2, 4, 5]


class Killed(Exception):
    """In the place of a SIGKILL."""


@pytest.fixture
def killed_while_deleting(monkeypatch):
    """Deleting a folder takes one file away, and then the process is gone."""
    whole = shutil.rmtree

    def half(path: Path, ignore_errors: bool = False) -> None:
        for file in list(Path(path).glob("**/state.json"))[:1]:
            file.unlink()
            monkeypatch.setattr(shutil, "rmtree", whole)
            raise Killed

    monkeypatch.setattr(shutil, "rmtree", half)


def test_one_that_is_half_deleted_does_not_stand_there(checkpoints, killed_while_deleting) -> None:
    for step in range(1, 4):
        checkpoints.save(made(step))
        if step < 3:
            checkpoints.wait()
    with pytest.raises(Killed):
        checkpoints.wait()
    assert checkpoints.steps() == [2, 3]
    assert [checkpoints.read(step).step for step in (2, 3)] == [2, 3]


def test_of_all_that_are_deleted_none_stays_behind(checkpoints, killed_while_deleting) -> None:
    checkpoints.save(made(1))
    checkpoints.wait()
    with pytest.raises(Killed):
        checkpoints.clear()
    assert checkpoints.steps() == []
    checkpoints.clear()  # with nothing there


def test_what_a_killed_process_left_goes_with_the_next_one(checkpoints, tmp_path: Path) -> None:
    for name in (".step-000000007.abc.tmp", ".step-000000003.old"):
        (checkpoints.folder / name).mkdir(parents=True)
        (checkpoints.folder / name / "tensors.safetensors").write_bytes(b"half")
    assert checkpoints.steps() == []
    checkpoints.save(made(9))
    checkpoints.wait()
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-000000009"]


def test_training_goes_on_while_one_is_written(tmp_path: Path) -> None:
    free = threading.Event()
    kept = Checkpoints(tmp_path, write=lambda path, checkpoint: free.wait(500) and None)
    kept.save(made(1))
    assert kept.busy
    assert kept.written() is None
    assert kept.steps() == []  # what is not whole is not there
    free.set()
    assert kept.wait() == 1
    assert kept.wait() is None  # told once
    kept.close()


def test_a_write_that_fails_is_told_and_leaves_what_stood(checkpoints, monkeypatch) -> None:
    checkpoints.save(made(1))
    checkpoints.wait()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    checkpoints.save(made(2))
    with pytest.raises(OSError, match="No space left"):
        checkpoints.wait()
    assert checkpoints.steps() == [1]
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-000000001"]
    assert checkpoints.read(1).step == 1


def test_one_cut_at_any_byte_is_refused(checkpoints) -> None:
    checkpoints.save(made(1))
    checkpoints.wait()
    for file in sorted(checkpoints.path(1).iterdir()):
        whole = file.read_bytes()
        for length in range(len(whole)):
            file.write_bytes(whole[:length])
            with pytest.raises(CheckpointError):
                checkpoints.read(1)
        file.write_bytes(whole)
    assert checkpoints.read(1).step == 1


def test_one_changed_at_any_byte_of_the_tensors_is_refused(checkpoints) -> None:
    checkpoints.save(made(1))
    checkpoints.wait()
    file = checkpoints.path(1) / "tensors.safetensors"
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="cut or changed"):
            checkpoints.read(1)


def test_another_format_is_refused_by_name(checkpoints) -> None:
    checkpoints.save(made(1))
    checkpoints.wait()
    file = checkpoints.path(1) / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 9}))
    with pytest.raises(CheckpointError, match="format 9; this version reads 1"):
        checkpoints.read(1)


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read_checkpoint(tmp_path / "step-000000001")
