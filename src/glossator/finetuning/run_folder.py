"""`NAME.run`: what a run wrote down about itself."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from glossator.artifact.manifest import MANIFEST
from glossator.artifact.report import Report, write_report
from glossator.config import to_toml
from glossator.files import durable_write, refuse_existing, replace_folder
from glossator.finetuning.config import FitConfig
from glossator.text.answers import write_answers
from glossator.text.tables import Rejection
from glossator.training.events import Evaluated, Event, Stepped

__all__ = ["RunFolder", "open_run", "run_path"]

LOG = "log.jsonl"
REJECTED = "rejected.jsonl"
PREDICTIONS = "predictions.jsonl"
REPORT = "report.html"


class RunFolder:
    """The folder of one run, open for writing.

    Args:
        path: of the folder, which exists.
        name: under which it will stand.

    Attributes:
        trained: whether training has begun.
    """

    def __init__(self, path: Path, name: Path):
        self.path, self.name = path, name
        self._log: IO[str] = (path / LOG).open("w", encoding="utf-8")
        self._board: Any = None
        self.trained = False

    def config(self, config: FitConfig) -> None:
        """Write the resolved config, from which the run can be repeated."""
        durable_write(self.path / "config.toml", to_toml(config))

    def rejected(self, rejections: Sequence[Rejection]) -> None:
        """Write the rows that cannot be used, each with its line and reason."""
        if rejections:
            rows = ({**dataclasses.asdict(rejection)} for rejection in rejections)
            write_answers(self.path / REJECTED, rows)

    def event(self, event: Event) -> None:
        """Log an event of the training loop, and draw it for TensorBoard."""
        self.trained = True
        record = {"event": type(event).__name__.lower(), **dataclasses.asdict(event)}
        self._log.write(json.dumps(record, allow_nan=False, default=float) + "\n")
        self._log.flush()
        if isinstance(event, Stepped):
            self._draw(event.step, {"train/loss": event.loss, "train/rate": event.rate})
        if isinstance(event, Evaluated):
            self._draw(event.step, {f"dev/{name}": x for name, x in event.scores.items()})

    def predictions(self, answers: Iterator[Mapping[str, Any]]) -> None:
        """Write what the model answered for the rows it was scored on."""
        write_answers(self.path / PREDICTIONS, (dict(answer) for answer in answers))

    def report(self, report: Report) -> None:
        """Write the report."""
        write_report(report, self.path / REPORT)

    def close(self) -> None:
        """Close the log."""
        self._log.close()
        if self._board is not None:
            self._board.close()

    def _draw(self, step: int, values: Mapping[str, Any]) -> None:
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.path / "tensorboard"))
        for name, value in values.items():
            if isinstance(value, int | float):
                self._board.add_scalar(name, value, step)


def run_path(output: Path) -> Path:
    """`NAME.run` beside `NAME`."""
    return output.with_name(f"{output.name}.run")


@contextlib.contextmanager
def open_run(output: Path, *, overwrite: bool) -> Iterator[RunFolder]:
    """Make `NAME.run`, readable by its owner alone since it holds texts.

    One that is there already is replaced when the block ends well, not before. A run that fails
    before training leaves nothing, so that it can be started again under its name.

    Raises:
        OutputExistsError: `NAME` or `NAME.run` exists and may not be replaced.
    """
    final = run_path(output)
    refuse_existing(output, overwrite=overwrite, marker=MANIFEST)
    refuse_existing(final, overwrite=overwrite, marker=LOG)
    final.parent.mkdir(parents=True, exist_ok=True)
    replaces = final.exists()
    if replaces:
        path = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{final.name}.", suffix=".tmp"))
    else:
        path = final
        os.mkdir(path, 0o700)
    run = RunFolder(path, final)
    try:
        yield run
        run.close()
        if replaces:
            replace_folder(path, final)
    finally:
        run.close()
        if path != final or not run.trained:
            shutil.rmtree(path, ignore_errors=True)
