"""Where the curves of a run are drawn: TensorBoard, and Weights & Biases where it is asked for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from glossator.errors import MissingPackageError

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

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._writer: Any = None

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """As `Board.draw`; what a run that was cut short drew of later steps is taken back."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder / "tensorboard"), purge_step=step)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """As `Board.close`."""
        if self._writer is not None:
            self._writer.close()


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
            raise MissingPackageError("wandb is missing: pip install 'glossator[wandb]'") from None
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
