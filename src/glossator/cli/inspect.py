"""`glossator inspect`: what a table or a model folder is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from glossator.cli.options import FLAT, Shown, TableOptions
from glossator.cli.screen import Screen

__all__ = ["InspectOptions", "inspect"]


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """What of a table is looked at.

    Attributes:
        text: columns of the text; by default the column text, or the only one.
        label: column of the label; by default the column label, if there is one.
        table: how the table is read.
        shown: how the result is told.
    """

    text: tuple[str, ...] = ()
    label: str | None = None
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

        inspect_table(path, options.text, options.label, options.table, screen)
    return 0
