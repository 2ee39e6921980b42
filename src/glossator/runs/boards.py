"""Where the curves of a run are drawn: TensorBoard, and Weights & Biases where it is asked for."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from glossator.extras import missing
from glossator.files import disk_errors_named

__all__ = ["Board", "Tensorboard", "Tracker", "Wandb", "boards"]

Tracker = Literal["none", "wandb"]


class Board(Protocol):
    """Draws values over steps."""

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """Add values of a step, by name."""

    def close(self) -> None:
        """Write what is left."""


class Tensorboard:
    """Files that `tensorboard --logdir NAME.run` shows.

    Written in place, not by the thread that torch's `SummaryWriter` starts: a full disk is then an
    error of the run like any other, and no third thread waits for one of two cores.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path):
        self._folder = folder / "tensorboard"
        self._records: Any = None

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """As `Board.draw`; what a run that was cut short drew of later steps is taken back."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary

        if self._records is None:
            self._open()
            self._write(Event(file_version="brain.Event:2"))
            self._write(Event(step=step, session_log=SessionLog(status=SessionLog.START)))
        drawn = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(Event(step=step, summary=Summary(value=drawn)))

    def close(self) -> None:
        """As `Board.close`."""
        if self._records is not None:
            self._records.close()

    def _open(self) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._folder.mkdir(exist_ok=True)
        name = f"events.out.tfevents.{time.time():010.0f}.{os.uname().nodename}.{os.getpid()}"
        self._records = RecordWriter((self._folder / name).open("ab"))

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        with disk_errors_named(self._folder):
            self._records.write(event.SerializeToString())
            self._records.flush()


class Wandb:
    """A run of Weights & Biases; without a key or a network it is kept in the folder.

    `wandb sync NAME.run/wandb/*` sends it later.

    Args:
        folder: of the run; a run that is taken up goes on under its id.
        name: of the run.
        config: what is shown beside the curves.

    Raises:
        MissingPackageError: wandb is not installed.
    """

    def __init__(self, folder: Path, name: str, config: Mapping[str, Any]):
        try:
            import wandb
        except ImportError:
            raise missing("wandb") from None
        kept = folder / "wandb-id"
        if not kept.exists():
            kept.write_text(uuid.uuid4().hex[:8], encoding="utf-8")
        self._run: Any = wandb.init(
            project="glossator",
            dir=str(folder),
            id=kept.read_text(encoding="utf-8"),
            name=name,
            config=dict(config),
            resume="allow",
            mode=_mode(),
            settings=wandb.Settings(silent=True, console="off"),
        )

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """As `Board.draw`."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """As `Board.close`."""
        self._run.finish()


def boards(tracker: Tracker, folder: Path, name: str, config: Mapping[str, Any]) -> list[Board]:
    """What a run is drawn on."""
    drawn: list[Board] = [Tensorboard(folder)]
    if tracker == "wandb":
        drawn.append(Wandb(folder, name, config))
    return drawn


def _mode() -> Any:
    """What the user's environment says; without a key there is nowhere to send to."""
    known = os.environ.get("WANDB_API_KEY") or Path.home().joinpath(".netrc").exists()
    return os.environ.get("WANDB_MODE") or ("online" if known else "offline")
