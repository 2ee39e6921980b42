"""Model folders and tables, as several verbs open them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from glossator.artifact.opening import load
from glossator.artifact.predictor import Predictor
from glossator.cli.options import ScoringOptions
from glossator.cli.screen import Screen
from glossator.models.config import RuntimeConfig
from glossator.tasks.registry import roles
from glossator.tasks.task import Reader
from glossator.text.records import Read
from glossator.text.rows import Row
from glossator.text.tables import held_out, read_tables

__all__ = ["opened", "read_rows"]


def opened(folder: Path, runtime: RuntimeConfig, screen: Screen) -> Predictor:
    """The model folder, with a word on what its user should know."""
    found = load(folder, runtime=runtime)
    for note in found.notes:
        screen.say(f"! {note}", "yellow")
    return found


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
