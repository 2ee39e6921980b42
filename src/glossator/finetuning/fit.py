"""`glossator.fit`: fine-tuning from Python."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.artifact.report_parts import RowCounts
from glossator.config import from_mapping
from glossator.errors import ConfigError, InputError, did_you_mean
from glossator.finetuning.bars import BarWatch
from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
from glossator.finetuning.data import Source
from glossator.finetuning.run import run_fit
from glossator.finetuning.sameness import check_finished
from glossator.finetuning.watch import Watch
from glossator.models.config import RuntimeConfig
from glossator.runs.folder import REJECTED, is_finished, run_path
from glossator.runs.meter import Meter, shown_meter
from glossator.tasks.registry import configs, roles
from glossator.text.config import TableConfig
from glossator.text.findings import Finding, count_of
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
    progress: bool = True,
    watch: Watch | None = None,
    **options: Any,
) -> Predictor:
    """Fine-tune a model on a table and return it, ready to answer.

    Rows that cannot be used (an empty text, no label) are left out, and a warning counts them.

    Args:
        data: a table's path, several, a list of mappings by column name, or a table of
            pandas, polars, pyarrow or Hugging Face `datasets`.
        task: what to learn; empty reads it off the columns.
        model: a starter name, a model folder, or with `hub=True` a hub id.
        output: write the model folder there, and `NAME.run` beside it.
        overwrite: whether both may be replaced.
        resume: go on with the run that `NAME.run` holds, if it was cut short; one that is finished
            and was made of the same is loaded.
        progress: show a bar while it runs, in a notebook and on a terminal's standard error.
        watch: told of each stage, see `glossator.finetuning.watch`; then nothing is shown, and
            nothing warned of.
        **options: the columns by role, one name or several (`text="message"`), and any option of
            `glossator fit --help`, with underscores: `epochs=3`, `seed=1`.

    Returns:
        the trained model; `details.metrics` holds its scores.

    Raises:
        InputError: a table, a column, a model or an option is wrong.
        CheckpointError: `resume`, and the run was begun with other rows or options.
    """
    config = _config({**options, "task": task, "model": model})
    if resume and output is not None and is_finished(Path(output)):
        check_finished(_source(data), config, Path(output))
        return load(output)
    named = ", ".join(f"{role}={names!r}" for role, names in config.columns.items())
    folder = None if output is None else Path(output)
    with _Telling(folder, progress=progress) as telling:
        result = run_fit(
            _source(data),
            config,
            output=folder,
            overwrite=overwrite,
            resume=resume,
            command=f"glossator.fit(..., {named})",
            watch=watch or telling,
        )
    refit = result.report.refit
    if watch is None and refit and refit.missed:
        warnings.warn(refit.sentence, stacklevel=2)
    return result.predictor


class _Telling(BarWatch):
    """Shows bars, and warns of rows that are left out, where nobody else is told.

    Args:
        output: the model folder that will be written, if one will be.
        progress: whether bars are shown.
    """

    def __init__(self, output: Path | None, *, progress: bool):
        super().__init__(shown_meter if progress else lambda *_: Meter())
        self._output = output

    def preflight(self, findings: Sequence[Finding], rows: RowCounts) -> None:
        if rows.rejected and all(x.severity != "error" for x in findings):
            seen = "output='NAME' writes them to NAME.run"
            if self._output is not None:
                seen = f"{run_path(self._output) / REJECTED} holds them"
            rejections = [x.message for x in findings if x.message.endswith(": rejected")]
            warnings.warn(
                f"{rows.rejected:,} of {count_of(rows.read, 'row')} cannot be used and are left "
                f"out ({'; '.join(rejections)}); {seen}, each with its line and reason",
                stacklevel=_stacklevel(),
            )


def _stacklevel() -> int:
    """The level, seen from the caller, of the first frame that is none of this package's."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == "glossator":
        level, frame = level + 1, frame.f_back
    return level


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
