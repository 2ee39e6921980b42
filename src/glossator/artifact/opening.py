"""Opening a model folder: one of ours, or one that `transformers` saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glossator.artifact.folder import SETTINGS, Details, read_details
from glossator.artifact.manifest import MANIFEST, verify
from glossator.artifact.predictor import Predictor
from glossator.artifact.sealing import sealed
from glossator.errors import ConfigError, ModelFolderError
from glossator.models.config import RuntimeConfig
from glossator.models.starter import STARTERS, locate
from glossator.tasks.registry import KINDS, config_named, kind_named, restored, usual_columns
from glossator.tasks.task import Adopting, Base, Filing, Noted, Task
from glossator.text.records import Columns

__all__ = ["OpenedAs", "load", "load_sealed", "located", "opened_asks", "task_of"]


@dataclass(frozen=True, kw_only=True)
class OpenedAs:
    """As what a model folder is opened; by default as what it says itself.

    Attributes:
        task: name of the kind.
        asks: what is wanted of all answers, files read, see `opened_asks`.
    """

    task: str | None = None
    asks: Mapping[str, Any] = field(default_factory=dict)


def load(
    folder: str | Path,
    *,
    task: str | None = None,
    runtime: RuntimeConfig | None = None,
    **asks: Any,
) -> Predictor:
    """Open a model folder: one of ours, or one of `transformers` whose answers a task knows.

    Every file of one of ours is checked against its manifest first.

    Args:
        folder: the model folder, or the name of a starter, where there is no such folder.
        task: what it is to answer, where that is not its own task; some tasks open other folders.
        runtime: where to run it.
        **asks: what is wanted of all answers, where the task keeps such wishes: `labels=[...]`.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder, or of a model that answers nothing, or not that.
        ConfigError: there is no such task or wish, or the task opens no other folders.
    """
    folder = located(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelFolderError(f"{folder} {what}; expected a model folder")
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    found = _opened(folder, runtime, ours=ours, task=task)
    if asks:
        _keep(found, opened_asks(found.task.name, asks, runtime))
    return found


def load_sealed(
    folder: Path,
    *,
    runtime: RuntimeConfig | None = None,
    root: Path | None = None,
    allow_unverified: bool = False,
    opened_as: OpenedAs | None = None,
) -> tuple[Predictor, str]:
    """Open a model folder by bytes that were read once, and give its version beside it.

    Arguments and errors are those of `sealed` and of `load`; what a task has to be told before it
    can answer it must be told here.
    """
    told = opened_as or OpenedAs()
    with sealed(folder, root=root, allow_unverified=allow_unverified) as copy:
        ours = (copy.folder / SETTINGS).exists()
        found = _opened(copy.folder, runtime, ours=ours, task=told.task)
        if told.task is not None:
            _keep(found, told.asks)
        return found, copy.version


def located(folder: str | Path) -> Path:
    """A folder, or that of the starter so called; a folder of that name goes first."""
    return locate(folder) if str(folder) in STARTERS and not Path(folder).exists() else Path(folder)


def _keep(predictor: Predictor, asks: Mapping[str, Any]) -> None:
    """Have a model answer by these wishes from now on.

    Raises:
        ConfigError: its task knows no such wish, or keeps none.
    """
    task = predictor.ready(None, asks)
    kept = config_named(task.name).keeps
    if other := [name for name in asks if name not in kept]:
        names = ", ".join(other)
        raise ConfigError(f"{task.name} is asked for {names} with each predict, not by load")
    predictor.use(task)
    predictor.notes += tuple(task.notes) if isinstance(task, Noted) else ()


def _opened(
    folder: Path, runtime: RuntimeConfig | None, *, ours: bool, task: str | None = None
) -> Predictor:
    """A folder whose bytes are known."""
    base = Base.of(folder)
    details = read_details(folder, max_length=base.max_length) if ours else None
    own = task_of(base, details)
    if task is not None and (own is None or own.name != task):
        return _adopted(
            Base.of(folder, details.max_length if details else None), own, task, runtime
        )
    answering = _answering(base, own)
    found = Predictor(
        answering.open(base), answering, details or _foreign(base, answering), runtime
    )
    found.make_ready()
    if found.details.unfinished:
        found.notes += (f"{folder.name} is from {found.details.unfinished}",)
    return found


def _adopted(base: Base, own: Task | None, name: str, runtime: RuntimeConfig | None) -> Predictor:
    """A folder as a task that is not its own."""
    kind = kind_named(name)
    if not isinstance(kind, Adopting):
        able = ", ".join(x for x in KINDS if isinstance(kind_named(x), Adopting))
        is_of = f"answers {own.name}" if own else "has no task"
        raise ConfigError(
            f"{base.folder.name} {is_of}, and {name} opens its own folders alone; a folder can be "
            f"opened as: {able}"
        )
    task = kind.adopt(base, own)
    details = Details(
        task=name,
        columns=usual_columns(kind.config),
        max_length=task.max_length,
        base_model=base.folder.name,
    )
    found = Predictor(task.open(base), task, details, runtime)
    found.make_ready()
    found.notes += (f"{base.folder.name} is opened as {name}. {task.words().does}",)
    return found


def opened_asks(
    task: str,
    asks: Mapping[str, Any],
    runtime: RuntimeConfig | None = None,
    columns: Columns | None = None,
) -> dict[str, Any]:
    """What is wanted of answers, with a model in the place of each model folder, and files read.

    Args:
        task: name of the kind that is asked, which says which wishes are folders and files.
        asks: by name, from a user who may read the files of this machine.
        runtime: where to run such a model.
        columns: of the table that is answered, as far as the user named them.

    Raises:
        ModelFolderError: as for `load`.
        TableError: a file cannot be read.
    """
    kind = kind_named(task)
    asks = kind.opened(asks, columns or {}) if isinstance(kind, Filing) else asks
    folders = kind.config.models
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
