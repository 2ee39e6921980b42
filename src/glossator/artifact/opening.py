"""Opening a model folder: one of ours, or one that `transformers` saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.artifact.folder import SETTINGS, Details, read_details
from glossator.artifact.manifest import MANIFEST, verify
from glossator.artifact.predictor import Predictor
from glossator.artifact.sealing import sealed
from glossator.errors import ModelFolderError
from glossator.models.config import RuntimeConfig
from glossator.tasks.registry import KINDS, config_named, restored, usual_columns
from glossator.tasks.task import Base, Task

__all__ = ["load", "load_sealed", "opened_asks", "task_of"]


def load(folder: str | Path, *, runtime: RuntimeConfig | None = None) -> Predictor:
    """Open a model folder: one of ours, or one of `transformers` whose answers a task knows.

    Every file of one of ours is checked against its manifest first.

    Args:
        folder: the model folder.
        runtime: where to run it.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder, or of a model that answers nothing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelFolderError(f"{folder} {what}; expected a model folder")
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    return _opened(folder, runtime, ours=ours)


def load_sealed(
    folder: Path,
    *,
    runtime: RuntimeConfig | None = None,
    root: Path | None = None,
    allow_unverified: bool = False,
) -> tuple[Predictor, str]:
    """Open a model folder by bytes that were read once, and give its version beside it.

    Arguments and errors are those of `sealed` and of `load`.
    """
    with sealed(folder, root=root, allow_unverified=allow_unverified) as copy:
        ours = (copy.folder / SETTINGS).exists()
        return _opened(copy.folder, runtime, ours=ours), copy.version


def _opened(folder: Path, runtime: RuntimeConfig | None, *, ours: bool) -> Predictor:
    """A folder whose bytes are known."""
    base = Base.of(folder)
    details = read_details(folder, max_length=base.max_length) if ours else None
    task = _answering(base, task_of(base, details))
    found = Predictor(task.open(base), task, details or _foreign(base, task), runtime)
    found.make_ready()
    if found.details.unfinished:
        found.notes += (f"{folder.name} is from {found.details.unfinished}",)
    return found


def opened_asks(
    task: str, asks: Mapping[str, Any], runtime: RuntimeConfig | None = None
) -> dict[str, Any]:
    """What is wanted of answers, with a model in the place of each model folder.

    Args:
        task: name of the kind that is asked, whose config says which wishes are folders.
        asks: by name.
        runtime: where to run such a model.

    Raises:
        ModelFolderError: as for `load`.
    """
    folders = config_named(task).models
    return {
        name: load(value, runtime=runtime)
        if name in folders and isinstance(value, str | Path)
        else value
        for name, value in asks.items()
    }


def task_of(base: Base, details: Details | None) -> Task | None:
    """The task of a folder; None where it answers nothing.

    Args:
        base: the folder.
        details: what it says of itself; None where another program wrote it.

    Raises:
        ModelFolderError: what the task saved is malformed.
    """
    if details is None:
        return restored(base, None, None)
    if details.task not in KINDS:
        return None
    try:
        return restored(Base.of(base.folder, details.max_length), details.task, details.saved)
    except ModelFolderError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f"malformed: {error!r}", file=base.folder / SETTINGS) from error


def _answering(base: Base, task: Task | None) -> Task:
    if task is None:
        what = base.source.architecture or "an unnamed class"
        raise ModelFolderError(
            f"{base.folder} ({what}) answers nothing yet; "
            f"`glossator fit TABLE --model {base.folder}` teaches it"
        )
    return task


def _foreign(base: Base, task: Task) -> Details:
    """Of a folder that another program wrote: the usual columns."""
    return Details(
        task=task.name,
        columns=usual_columns(config_named(task.name)),
        saved=task.saved(),
        max_length=base.max_length,
        base_model=base.folder.name,
    )
