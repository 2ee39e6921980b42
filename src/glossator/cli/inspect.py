"""`glossator inspect`: what a table or a model folder is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glossator.cli.options import COLUMN, FLAT, Shown, TableOptions
from glossator.cli.screen import Screen
from glossator.cli.task_options import COLUMNS, OPTIONS

__all__ = ["InspectOptions", "inspect"]


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """What of a table is looked at.

    Attributes:
        task: that the table is for; by default read off the columns.
        columns: of the table; the usual names are found.
        options: how a task reads its columns.
        table: how the table is read.
        shown: how the result is told.
    """

    task: str | None = None
    columns: Annotated[COLUMNS, COLUMN] = field(default_factory=COLUMNS)
    options: Annotated[OPTIONS, Parameter(name="*", group="Task")] = field(default_factory=OPTIONS)
    table: Annotated[TableOptions, FLAT] = field(default_factory=TableOptions)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


_DEFAULTS = InspectOptions()


def inspect(path: str, /, *, options: Annotated[InspectOptions, FLAT] = _DEFAULTS) -> int:
    """Say what a table or a model folder is, and what is wrong with it.

    Args:
        path: a table, or a model folder.
        options: what of a table is looked at.
    """
    screen = Screen(json=options.shown.json)
    if Path(path).is_dir():
        from glossator.cli.inspect_model import inspect_model

        inspect_model(Path(path), screen)
    else:
        from glossator.cli.inspect_table import inspect_table

        inspect_table(path, options, screen)
    return 0
