"""`glossator.fit`: fine-tuning from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.config import from_mapping
from glossator.errors import ConfigError, InputError, did_you_mean
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.data import Source
from glossator.finetuning.run import run_fit
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.runs.folder import is_finished
from glossator.tasks.registry import configs, roles
from glossator.text.config import TableConfig
from glossator.text.frames import frame_rows
from glossator.training.config import SpreadConfig, TrainingConfig

__all__ = ["fit"]

_PARTS = {
    "data": DataConfig,
    "table": TableConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "runtime": RuntimeConfig,
    "spread": SpreadConfig,
}


def fit(
    data: str | Path | Sequence[str | Path] | Sequence[Mapping[str, Any]] | Any,
    *,
    task: str = "",
    model: str = "minilm",
    output: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Predictor:
    """Fine-tune a model on a table and return it, ready to answer.

    Args:
        data: a table's path, several, a list of mappings by column name, or a table of
            pandas, polars, pyarrow or Hugging Face `datasets`.
        task: what to learn; empty reads it off the columns.
        model: a starter name, a model folder, or with `hub=True` a hub id.
        output: write the model folder there, and `NAME.run` beside it.
        overwrite: whether both may be replaced.
        resume: go on with the run that `NAME.run` holds, if it was cut short; one that is finished
            is loaded.
        watch: told of each stage, see `glossator.finetuning.watch`.
        **options: the columns by role, one name or several (`text="message"`), and any option of
            `glossator fit --help`, with underscores: `epochs=3`, `seed=1`.

    Returns:
        the trained model; `details.metrics` holds its scores.

    Raises:
        InputError: a table, a column, a model or an option is wrong.
    """
    if resume and output is not None and is_finished(Path(output)):
        return load(output)
    config = _config({**options, "task": task, "model": model})
    named = ", ".join(f"{role}={names!r}" for role, names in config.columns.items())
    result = run_fit(
        _source(data),
        config,
        output=None if output is None else Path(output),
        overwrite=overwrite,
        resume=resume,
        command=f"glossator.fit(..., {named})",
        watch=watch,
    )
    return result.predictor


def _source(data: Any) -> Source:
    if isinstance(data, str | Path):
        return [data]
    if isinstance(data, Mapping):
        raise InputError("expected a list of mappings, one a row; got a single mapping")
    rows = frame_rows(data)
    return list(data) if rows is None else rows


def _config(options: Mapping[str, Any]) -> FitConfig:
    """Sort options into the parts of a config by their names."""
    every = roles()
    sorted_options: dict[str, Any] = {part: {} for part in (*_PARTS, "columns", "options")}
    homes = {
        field.name: sorted_options[part]
        for part, cls in _PARTS.items()
        for field in dataclasses.fields(cls)
    }
    for config in configs():
        homes |= {x.name: sorted_options["options"] for x in dataclasses.fields(config.options)}
    homes |= dict.fromkeys(every, sorted_options["columns"])
    for field in dataclasses.fields(FitConfig):
        if field.name not in sorted_options:  # of no part
            homes[field.name] = sorted_options
    for name, value in options.items():
        if name not in homes:
            hint = did_you_mean(name, homes)
            raise ConfigError(f"unknown option '{name}'; there are: {', '.join(homes)}{hint}")
        homes[name][name] = str(value) if isinstance(value, Path) else value
    return from_mapping(FitConfig, sorted_options)
