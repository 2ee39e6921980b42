"""`NAME.run`: what a run wrote down about itself."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from glossator.artifact.folder import SETTINGS
from glossator.artifact.manifest import MANIFEST
from glossator.artifact.report import Report, write_report
from glossator.config import to_mapping, to_toml
from glossator.errors import ConfigError, OutputExistsError
from glossator.files import durable_write, refuse_existing, replace_folder
from glossator.runs.boards import Board, Tracker, boards
from glossator.runs.lock import locked
from glossator.runs.sameness import CONFIG, refuse_other_run, write_made_of
from glossator.text.answers import write_answers
from glossator.text.records import Record
from glossator.text.tables import Rejection
from glossator.training.checkpoints import Checkpoints
from glossator.training.events import Evaluated, Event, Started, Stepped

__all__ = ["RunFolder", "is_finished", "open_run", "run_path"]

LOG = "log.jsonl"
REJECTED = "rejected.jsonl"
PREDICTIONS = "predictions.jsonl"
REPORT = "report.html"
DIVERGED = "diverged.jsonl"
CHECKPOINTS = "checkpoints"
AGAIN = "refit"
MEASURED = "recipes.json"


class RunFolder:
    """The folder of one run, open for writing.

    Args:
        path: of the folder, which exists.
        name: under which it will stand.

    Attributes:
        trained: whether a step was taken, also of those by which recipes were measured.
        finished: whether it came to its end, so that no checkpoint is needed any more.
    """

    def __init__(self, path: Path, name: Path):
        self.path, self.name = path, name
        self._log: IO[str] = (path / LOG).open("a", encoding="utf-8")
        self._boards: list[Board] = []
        self.trained = bool(self.checkpoints(keep=1).steps()) or (path / MEASURED).exists()
        self.finished = False

    def checkpoints(self, *, keep: int) -> Checkpoints:
        """What the run can be taken up from, of which the last `keep` stay."""
        return Checkpoints(self.path / CHECKPOINTS, keep=keep)

    def again(self, config: Any, *, track: Tracker) -> RunFolder:
        """The folder of a second training, inside this one, whose own curves are complete.

        Args:
            config: a dataclass with the options of that training.
            track: where the curves go besides TensorBoard.
        """
        self.close()
        path = self.path / AGAIN
        path.mkdir(0o700, exist_ok=True)
        name = self.name.name.removesuffix(".run")
        run = RunFolder(path, self.name / AGAIN)
        run._boards = boards(track, path, f"{name}-{AGAIN}", to_mapping(config))
        return run

    def config(self, config: Any, *, track: Tracker) -> None:
        """Write the resolved config, from which the run can be repeated, and set up the boards.

        Args:
            config: a dataclass with all options.
            track: where the curves go besides TensorBoard.
        """
        durable_write(self.path / CONFIG, to_toml(config))
        name = self.name.name.removesuffix(".run")
        self._boards = self._boards or boards(track, self.path, name, to_mapping(config))

    def identify(self, config: Any, made_of: Mapping[str, str], *, free: Collection[str]) -> None:
        """Write down what the run is made of, or hold it against what it was begun with.

        Args:
            config: a dataclass with all options.
            made_of: digests, by what they are of.
            free: options that may change, see `refuse_other_run`.

        Raises:
            CheckpointError: the run goes on, and was begun with others.
        """
        if self.trained:
            refuse_other_run(self.path, config, made_of, free=free)
        write_made_of(self.path, made_of)

    def rejected(self, rejections: Sequence[Rejection]) -> None:
        """Write the rows that cannot be used, each with its line and reason."""
        if rejections:
            rows = ({**dataclasses.asdict(rejection)} for rejection in rejections)
            write_answers(self.path / REJECTED, rows, overwrite=True)

    def event(self, event: Event) -> None:
        """Log an event of the training loop, and draw it."""
        self.trained = self.trained or not isinstance(event, Started)
        values = {k: x for k, x in dataclasses.asdict(event).items() if x != math.inf}
        record = {"event": type(event).__name__.lower(), **values}
        self._log.write(json.dumps(record, allow_nan=False, default=float) + "\n")
        self._log.flush()
        if isinstance(event, Stepped):
            rate = event.tokens / max(event.seconds, 1e-9)
            values = {"train/loss": event.loss, "train/rate": event.rate, "train/norm": event.norm}
            self._draw(event.step, {**values, "train/tokens_per_second": rate})
        if isinstance(event, Evaluated):
            self._draw(event.step, {f"dev/{name}": x for name, x in event.scores.items()})

    def diverged(self, records: Sequence[Record]) -> Path:
        """Write the rows of the step whose loss was no number."""
        rows = ({"source": x.row.source, "line": x.row.line, **x.row.values} for x in records)
        write_answers(self.path / DIVERGED, rows, overwrite=True)
        return self.name / DIVERGED

    def predictions(self, answers: Iterator[Mapping[str, Any]]) -> None:
        """Write what the model answered for the rows it was scored on."""
        rows = (dict(answer) for answer in answers)
        write_answers(self.path / PREDICTIONS, rows, overwrite=True)

    def report(self, report: Report) -> None:
        """Write the report."""
        write_report(report, self.path / REPORT)

    def close(self) -> None:
        """Close the log and the boards, each also where another can't write what it has left."""
        with contextlib.ExitStack() as closing:
            for board in self._boards:
                closing.callback(board.close)
            closing.callback(self._log.close)
            self._boards = []

    def _draw(self, step: int, values: Mapping[str, Any]) -> None:
        numbers = {k: float(x) for k, x in values.items() if isinstance(x, int | float)}
        for board in self._boards:
            board.draw(step, numbers)


def run_path(output: Path) -> Path:
    """`NAME.run` beside `NAME`."""
    return output.with_name(f"{output.name}.run")


def is_finished(output: Path) -> bool:
    """Whether a model folder stands at `output` that was not interrupted, and no run is pending."""
    try:
        details = json.loads((output / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(details.get("finished", True)) and not _pending(output).exists()


@contextlib.contextmanager
def open_run(output: Path, *, overwrite: bool = False, resume: bool = False) -> Iterator[RunFolder]:
    """Make `NAME.run`, readable by its owner alone since it holds texts, and hold its lock.

    One that is there already is replaced when the block ends well, not before; until then the new
    one stands beside it as `.NAME.run.new`. A run that fails before training leaves nothing, so
    that it can be started again under its name.

    Args:
        output: `NAME`, the model folder.
        overwrite: whether `NAME` and `NAME.run` may be replaced.
        resume: go on in the folder that a run left, if there is one.

    Raises:
        ConfigError: it is to be replaced and gone on with.
        OutputBusyError: another process writes it.
        OutputExistsError: `NAME` or `NAME.run` exists and may not be replaced.
    """
    if overwrite and resume:
        raise ConfigError(
            "--resume goes on with a run and --overwrite begins anew; give one of them"
        )
    final = run_path(output)
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final), _opened(output, overwrite=overwrite, resume=resume) as run:
        yield run


@contextlib.contextmanager
def _opened(output: Path, *, overwrite: bool, resume: bool) -> Iterator[RunFolder]:
    """The folder of a run whose lock is held."""
    final, pending = run_path(output), _pending(output)
    left = next((path for path in (pending, final) if path.exists()), None) if resume else None
    if left is None:
        refuse_existing(output, overwrite=overwrite, marker=MANIFEST)
        _refuse_run(final, overwrite=overwrite)
        shutil.rmtree(pending, ignore_errors=True)
    path = left or (pending if final.exists() else final)
    path.mkdir(0o700, exist_ok=True)
    run = RunFolder(path, final)
    try:
        yield run
        run.close()
        if path != final:
            replace_folder(path, final)
        if run.finished:  # until it stands under its name it may have to be taken up
            for kept in (final / AGAIN / CHECKPOINTS, final / CHECKPOINTS):
                if kept.exists():
                    Checkpoints(kept).clear()
    finally:
        run.close()
        if not run.trained:
            shutil.rmtree(path, ignore_errors=True)


def _pending(output: Path) -> Path:
    """Where a run goes on that will replace another."""
    final = run_path(output)
    return final.with_name(f".{final.name}.new")


def _refuse_run(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; --resume goes on with it, --overwrite replaces it")
    refuse_existing(path, overwrite=overwrite, marker=LOG)
