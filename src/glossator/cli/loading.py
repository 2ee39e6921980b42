"""Model folders and tables, as several verbs open them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.cli.options import ScoringOptions
from glossator.cli.screen import Screen
from glossator.models.config import RuntimeConfig
from glossator.tasks.registry import roles
from glossator.tasks.task import Noted, Reader, Task
from glossator.text.records import Read
from glossator.text.rows import Row
from glossator.text.tables import held_out, read_tables

__all__ = ["notes_of", "opened", "prepared", "read_rows"]


def opened(
    folder: Path, runtime: RuntimeConfig, screen: Screen, task: str | None = None
) -> Predictor:
    """The model folder, with a word on what its user should know."""
    found = load(folder, runtime=runtime, task=task)
    for note in found.notes:
        screen.say(f"! {note}", "yellow")
    return found


def prepared(predictor: Predictor, asks: Mapping[str, Any], screen: Screen) -> None:
    """Have the task ask its model what it wants to know, with a word on what came of it.

    Raises:
        InputError: it cannot answer what is wanted.
    """
    for note in notes_of(predictor.ready(None, asks)):
        screen.say(note)


def notes_of(task: Task) -> Sequence[str]:
    """What who uses the answers of a task should know, once it is ready."""
    return task.notes if isinstance(task, Noted) else ()


def read_rows(
    paths: Sequence[str], reader: Reader, options: ScoringOptions, screen: Screen
) -> Iterator[Read]:
    """The rows of tables with the right answers, a stream; how they are read is told.

    Raises:
        ColumnError: a column is missing.
        TableError: a table cannot be read.
    """
    every = roles()
    wanted = [
        x for role, names in reader.columns.items() if not every[role].optional for x in names
    ]
    table = held_out(read_tables(paths, wanted, options.table))
    for note in table.notes:
        screen.say(note)
    return (reader.read(x, targets=True) if isinstance(x, Row) else x for x in table)
