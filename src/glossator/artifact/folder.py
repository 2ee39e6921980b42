"""What a model folder says of itself beside its weights."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import tokenizers
import torch

import glossator
from glossator.artifact.manifest import read_json
from glossator.artifact.recipe import RecipeTold
from glossator.artifact.refit import Refit
from glossator.errors import ModelFolderError
from glossator.files import durable_write
from glossator.text.records import Columns

__all__ = ["SETTINGS", "Details", "read_details", "versions", "write_details"]

SETTINGS = "glossator.json"
_METRICS = "metrics.json"
_CARD = "README.md"
_FORMAT = 2
_OLDEST = 1


@dataclass(frozen=True, kw_only=True)
class Details:
    """All that an answer depends on but weights, tokenizer and labels; and where they came from.

    Attributes:
        task: name of the task.
        columns: of the table it was trained on, by role.
        saved: what the task has learned, was told and decides by: see `Task.saved`.
        max_length: tokens of a window at most.
        base_model: what was fine-tuned.
        data: name, rows and SHA-256 of each table.
        versions: of the libraries that trained it.
        finished: false where training was interrupted.
        steps: of training, `taken` and `planned`; empty in folders of older versions.
        refit: what became of a second training; None where none was asked for. One that was
            interrupted leaves the model that was scored, and `finished` false.
        recipe: by which it was trained, where that was measured or asked for.
        metrics: `dev` and `test`, as `fit --json` has them.
        card: the model card, Markdown.
    """

    task: str
    columns: Columns
    saved: Mapping[str, Any] = field(default_factory=dict)
    max_length: int
    base_model: str = ""
    data: tuple[Mapping[str, Any], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    finished: bool = True
    steps: Mapping[str, int] = field(default_factory=dict)
    refit: Refit | None = None
    recipe: RecipeTold | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""

    @property
    def is_trained(self) -> bool:
        """Whether training made it, which then has told of itself."""
        return bool(self.data or self.steps or self.metrics)

    @property
    def unfinished(self) -> str:
        """In words, that and when training was interrupted; empty where it was not."""
        if self.finished:
            return ""
        if self.refit and self.refit.interrupted:
            return "a run that was interrupted while it was refitted: it is the model of the scores"
        after = (
            f" after {self.steps['taken']:,} of {self.steps['planned']:,} steps"
            if self.steps
            else ""
        )
        return f"a run that was interrupted{after}"


def versions() -> dict[str, str]:
    """Versions of all that a result depends on."""
    return {
        "glossator": glossator.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
    }


def write_details(details: Details, folder: Path, *, opens_as: str) -> None:
    """Write `glossator.json`, `metrics.json` and the model card."""
    settings = {
        "format": _FORMAT,
        "opens_as": opens_as,
        "task": details.task,
        "finished": details.finished,
        "steps": dict(details.steps),
        **({"recipe": details.recipe.to_json()} if details.recipe else {}),
        **({"refit": details.refit.to_json()} if details.refit else {}),
        "base_model": details.base_model,
        "columns": {role: list(names) for role, names in details.columns.items()},
        **details.saved,
        "limits": {"max_length": details.max_length},
        "data": list(details.data),
        "versions": details.versions,
    }
    durable_write(folder / SETTINGS, _json(settings))
    durable_write(folder / _METRICS, _json(details.metrics))
    durable_write(folder / _CARD, details.card)


def read_details(folder: Path, *, max_length: int) -> Details:
    """Read what `write_details` wrote.

    Raises:
        ModelFolderError: it is of a newer format, or a field is missing or of another kind.
    """
    settings = read_json(folder / SETTINGS)
    format: Any = settings.get("format")
    if format not in range(_OLDEST, _FORMAT + 1):
        raise ModelFolderError(
            f"the folder has format {format!r}, this version reads {_OLDEST} to {_FORMAT}; "
            "a newer glossator may have written it",
            file=folder / SETTINGS,
        )
    try:
        return Details(
            task=settings["task"],
            columns={role: _names(value) for role, value in settings["columns"].items()},
            saved=_saved(settings, format),
            max_length=min(int(settings["limits"]["max_length"]), max_length),
            base_model=settings["base_model"],
            data=tuple(settings["data"]),
            versions=settings["versions"],
            finished=settings["finished"],
            steps=_steps(settings),
            refit=Refit.from_json(settings.get("refit")),
            recipe=RecipeTold.from_json(settings.get("recipe")),
            metrics=read_json(folder / _METRICS),
            card=(folder / _CARD).read_text(encoding="utf-8"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f"malformed: {error!r}", file=folder / SETTINGS) from error


def _names(value: Any) -> tuple[str, ...]:
    """One name, as format 1 has the column of a label, or a list."""
    if not isinstance(value, str | list):
        raise TypeError(f"columns are {value!r}")
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _saved(settings: Mapping[str, Any], format: int) -> dict[str, Any]:
    """What the task saved; format 1 knew decisions alone, and null where there were none."""
    if format == _OLDEST:
        found = {"decision": settings["decision"] or {}}
    else:
        found = {name: settings[name] for name in ("learned", "options", "decision")}
    for name, value in found.items():
        if not isinstance(value, dict):
            raise TypeError(f"{name} is {value!r}")
    return found


def _steps(settings: Mapping[str, Any]) -> dict[str, int]:
    steps = settings.get("steps") or {}
    return {name: int(steps[name]) for name in ("taken", "planned")} if steps else {}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
