"""Model folders and tables, as several verbs open them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.artifact.scoring import by_columns
from glossator.cli.options import ScoringOptions
from glossator.cli.screen import Screen
from glossator.models.config import RuntimeConfig
from glossator.tasks.registry import roles
from glossator.tasks.task import Noted, Task
from glossator.text.records import Columns, Read
from glossator.text.rows import Row
from glossator.text.tables import held_out, joined_with, open_tables

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
    paths: Sequence[str],
    models: Sequence[Predictor],
    typed: Columns,
    asks: Mapping[str, Any],
    options: ScoringOptions,
    screen: Screen,
) -> tuple[list[Predictor], Iterator[Read]]:
    """Models that are to be scored, and the rows of tables with the right answers, a stream.

    Args:
        paths: of the tables.
        models: of one task, the first of which reads them.
        typed: columns that the user named, by role.
        asks: what is wanted of the answers.
        options: how the tables are read, which is told.
        screen: where.

    Raises:
        ConfigError: the task reads no such columns.
        ColumnError: a column is missing.
        TableError: a table cannot be read.
    """
    tables = open_tables(paths, options.table)
    present = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    scored = by_columns(models, typed, present)
    told = scored[0] is not models[0]
    reader = scored[0].reader({} if told else typed, asks)
    if told:
        named = [f"{role} from {', '.join(names)}" for role, names in reader.columns.items()]
        screen.say(f"scored by {'; '.join(named)}")
    every = roles()
    wanted = [
        x for role, names in reader.columns.items() if not every[role].optional for x in names
    ]
    table = held_out(joined_with(wanted, tables))
    for note in table.notes:
        screen.say(note)
    return scored, (reader.read(x, targets=True) if isinstance(x, Row) else x for x in table)
