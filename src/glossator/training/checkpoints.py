"""Checkpoints: folders that are whole or not there, written while training goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save_file
from torch import Tensor

from glossator.errors import CheckpointError
from glossator.files import disk_errors_named, new_folder, sha256_file

__all__ = ["Checkpoint", "Checkpoints", "read_checkpoint", "write_checkpoint"]

FORMAT = 1
_STATE, _TENSORS = "state.json", "tensors.safetensors"
_PREFIX = "step-"

Write = Callable[[Path, "Checkpoint"], None]


@dataclass(frozen=True)
class Checkpoint:
    """What a run is taken up from.

    Attributes:
        step: steps taken.
        values: what JSON can hold.
        tensors: the rest, by name; on the CPU.
    """

    step: int
    values: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


class Checkpoints:
    """The checkpoints of a run, in a folder of their own.

    `save` hands a checkpoint to a thread that writes it; training goes on. The last `keep` and the
    best one stay. Each is written to a temporary folder, synced to disk and then renamed, and loses
    its name before it is deleted, so that what stands there is whole.

    Args:
        folder: where they lie; made when the first is written.
        keep: how many of the last stay.
        write: writes a checkpoint into an empty folder.
    """

    def __init__(self, folder: Path, *, keep: int = 2, write: Write | None = None):
        self.folder, self.keep = folder, keep
        self._write = write or write_checkpoint
        self._thread = ThreadPoolExecutor(1, "glossator-checkpoint")
        self._writing: Future[int] | None = None
        self._swept = False

    @property
    def busy(self) -> bool:
        """Whether one is still being written."""
        return self._writing is not None and not self._writing.done()

    def save(self, checkpoint: Checkpoint, *, best_step: int | None = None) -> None:
        """Have a checkpoint written; one that is still being written is waited for first.

        Args:
            checkpoint: with tensors that nobody changes any more.
            best_step: the step whose checkpoint stays besides the last ones.

        Raises:
            OSError: an earlier one could not be written.
        """
        self.wait()
        self._writing = self._thread.submit(self._save, checkpoint, best_step)

    def written(self) -> int | None:
        """The step of a checkpoint that was written since this was last asked; None: of none.

        Raises:
            OSError: it could not be written.
        """
        return None if self.busy else self.wait()

    def wait(self) -> int | None:
        """As `written`, after the one that is being written."""
        writing, self._writing = self._writing, None
        return None if writing is None else writing.result()

    def close(self) -> None:
        """Wait for the writer, whatever became of its work, and end it."""
        self._thread.shutdown()

    def steps(self) -> list[int]:
        """The steps of all whole checkpoints, rising."""
        names = (path.name for path in self.folder.glob(f"{_PREFIX}*"))
        return sorted(int(name.removeprefix(_PREFIX)) for name in names)

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / f"{_PREFIX}{step:09d}"

    def read(self, step: int) -> Checkpoint:
        """The checkpoint of a step.

        Raises:
            CheckpointError: it is not there, is of another version or was changed.
        """
        return read_checkpoint(self.path(step))

    def drop_after(self, step: int) -> None:
        """Delete what stands there of later steps, so that it is not taken for what comes now."""
        for later in self.steps():
            if later > step:
                _delete(self.path(later))

    def clear(self) -> None:
        """Delete all of them, at once: of some that are left, the best may be gone."""
        _delete(self.folder)

    def _save(self, checkpoint: Checkpoint, best_step: int | None) -> int:
        self._sweep()
        with new_folder(self.path(checkpoint.step), overwrite=True) as path:
            self._write(path, checkpoint)
        for step in self.steps()[: -self.keep]:
            if step != best_step:
                _delete(self.path(step))
        return checkpoint.step

    def _sweep(self) -> None:
        """Delete what a process left that was killed while it wrote or deleted."""
        if not self._swept:
            for path in self.folder.glob(f".{_PREFIX}*"):
                shutil.rmtree(path, ignore_errors=True)
        self._swept = True


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into an empty folder."""
    with disk_errors_named(path / _TENSORS):
        save_file(dict(checkpoint.tensors), path / _TENSORS)
    state = {
        "format": FORMAT,
        "step": checkpoint.step,
        "sha256": sha256_file(path / _TENSORS),
        "values": checkpoint.values,
    }
    with disk_errors_named(path / _STATE):
        (path / _STATE).write_text(json.dumps(state, allow_nan=False), encoding="utf-8")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint's folder.

    Raises:
        CheckpointError: a file is missing, was cut or changed, or is of another version.
    """
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        if state["format"] != FORMAT:
            raise CheckpointError(
                f"a checkpoint of format {state['format']}; this version reads {FORMAT}", file=path
            )
        if sha256_file(path / _TENSORS) != state["sha256"]:
            raise CheckpointError("the file was cut or changed", file=path / _TENSORS)
        return Checkpoint(state["step"], state["values"], load_file(path / _TENSORS))
    except FileNotFoundError as error:
        raise CheckpointError("no such file", file=error.filename) from None
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"not a checkpoint: {error}", file=path) from error


def _delete(path: Path) -> None:
    """Delete a folder, if that can be done; a half of it never stands under its name."""
    aside = path.with_name(f".{path.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
