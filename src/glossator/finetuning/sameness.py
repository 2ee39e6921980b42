"""What a fine-tuning run is made of, and whether a finished one was made of the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from glossator.finetuning.base import base_of, resolve
from glossator.finetuning.config import FitConfig
from glossator.finetuning.data import Parts, Source, read_data
from glossator.finetuning.rate_choice import was_tested
from glossator.finetuning.recipe_choice import was_measured
from glossator.runs.folder import run_path
from glossator.runs.sameness import refuse_other_run
from glossator.tasks.task import Base
from glossator.text.records import Read, Record
from glossator.training.state import FREE

__all__ = ["check_finished", "free_options", "made_of"]

# Rows and weights are told by their digests, wherever they lie.
_ELSEWHERE = ("data", "table", "model.model", "model.hub", "runtime", "track")


def made_of(parts: Parts, base: Base) -> dict[str, str]:
    """SHA-256 of the rows of each part and of the weights to begin with."""
    rows = {f"{name} rows": _digest(items) for name, items in parts.named().items()}
    return {**rows, "first weights": base.source.digest()}


def free_options(
    config: FitConfig, *, tested: bool = True, measured: bool = False
) -> tuple[str, ...]:
    """Options that may be others when a run is taken up.

    Args:
        config: the options now.
        tested: whether a rate that was written down may be one that `auto` found.
        measured: whether a recipe that was written down may be.
    """
    found = tested and config.training.learning_rate == "auto"
    rate = ("training.learning_rate",) if found else ()
    recipe = ("recipe",) if measured and config.recipe == "auto" else ()
    return (*_ELSEWHERE, *(f"training.{name}" for name in FREE), *rate, *recipe)


def check_finished(source: Source, config: FitConfig, output: Path) -> None:
    """Hold a finished run against what it would be now.

    Args:
        source: tables, or rows in memory, as `run_fit` takes them.
        config: all options.
        output: the model folder that was written.

    Raises:
        CheckpointError: its options, rows or first weights were others.
        InputError: a table, a column, a model or an option is wrong.
    """
    run = run_path(output)
    base = base_of(config.model)
    data = read_data(source, resolve(base, config))
    if run.is_dir():
        free = free_options(data.config, tested=was_tested(run), measured=was_measured(run))
        refuse_other_run(run, data.config, made_of(data.parts, base), free=free)


def _digest(items: Sequence[Read]) -> str:
    digest = hashlib.sha256()
    for item in items:
        if isinstance(item, Record):
            digest.update(json.dumps(item.row.values, default=repr, sort_keys=True).encode())
    return digest.hexdigest()
