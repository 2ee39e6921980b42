"""What a model folder is, and whether it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.artifact.folder import SETTINGS, Details, read_details
from glossator.artifact.manifest import MANIFEST, verify
from glossator.artifact.opening import task_of
from glossator.artifact.wording import interval, measure, with_value
from glossator.cli.loading import notes_of
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen
from glossator.errors import ModelFolderError
from glossator.tasks.task import Base, Task

__all__ = ["inspect_model"]

_LABELS = 12
_MEASURES = 4


def inspect_model(folder: Path, screen: Screen) -> None:
    """Show what a model folder is; one of ours is checked against its manifest.

    Raises:
        ChangedFileError: a file is missing or was changed.
        ModelFolderError: it is no model folder.
    """
    if not (folder / "config.json").exists():
        raise ModelFolderError(
            f"{folder} is no model folder: it has no config.json; nor is it a table, which has "
            ".txt files"
        )
    ours = (folder / SETTINGS).exists() or (folder / MANIFEST).exists()
    if ours:
        verify(folder)
    base = Base.of(folder)
    details = read_details(folder, max_length=base.max_length) if ours else None
    task = task_of(base, details)
    labels = list(task.words().labels) if task else []
    found: dict[str, Any] = {
        "kind": "model",
        "path": str(folder),
        "family": base.source.config.model_type,
        "architectures": base.source.raw.get("architectures"),
        "labels": labels,
        "verified": ours,
    }
    screen.json(found | (_object(details) if details else {}))
    what = task.words().does if task else "An encoder, to be fine-tuned."
    screen.line(f"{folder}: {what}")
    screen.line(f"  of the family {base.source.config.model_type}")
    if details is None:
        screen.line(f"  not written by glossator: no {MANIFEST} to check its files against")
        for note in notes_of(task) if task else ():
            screen.line(f"! {note}", "yellow")
    else:
        _show(screen, details, task)
    if labels:
        more = f" and {len(labels) - _LABELS:,} more" if len(labels) > _LABELS else ""
        shown = ", ".join(shortened(label, 40) for label in labels[:_LABELS])
        screen.line(f"  {len(labels):,} labels: {shown}{more}")


def _object(details: Details) -> dict[str, Any]:
    return {
        "task": details.task,
        "finished": details.finished,
        "steps": dict(details.steps),
        **({"recipe": details.recipe.to_json()} if details.recipe else {}),
        **({"refit": details.refit.to_json()} if details.refit else {}),
        "base_model": details.base_model,
        "columns": {role: list(names) for role, names in details.columns.items()},
        **details.saved,
        "max_length": details.max_length,
        "metrics": dict(details.metrics),
        "data": list(details.data),
        "versions": dict(details.versions),
    }


def _show(screen: Screen, details: Details, task: Task | None) -> None:
    screen.line(f"  every file is the one that {MANIFEST} names")
    if details.unfinished:
        screen.line(f"! from {details.unfinished}", "yellow")
    made = "trained" if details.is_trained else "made"
    screen.line(f"  {details.task or 'no task yet'}, {made} from {details.base_model}")
    read = [f"{', '.join(names)} ({role})" for role, names in details.columns.items()]
    if details.data and read:
        screen.line(f"  trained on the columns {' and '.join(read)}")
    for file in details.data:
        screen.line(f"    {_file(file)}")
    split = "test" if details.metrics.get("test") else "dev"
    scores = details.metrics.get(split) or {}
    for told in with_value(task.measures if task else (), scores, _MEASURES):
        between = interval(scores, told)
        shown = f" (95% interval {between})" if between else ""
        screen.line(f"  {told.title} on {split} rows {measure(scores, told)}{shown}")
    if details.recipe:
        screen.line(f"  {details.recipe.sentence}")
    if details.refit:
        screen.line(f"  {details.refit.sentence}")
    for sentence in task.words().decided if task else ():
        screen.line(f"  {sentence}")
    screen.line(f"  reads {details.max_length:,} tokens at once, longer texts in windows")
    screen.line("  " + ", ".join(f"{name} {version}" for name, version in details.versions.items()))


def _file(file: Mapping[str, Any]) -> str:
    return f"{file['name']}: {file['rows']:,} rows" if "rows" in file else str(file["name"])
