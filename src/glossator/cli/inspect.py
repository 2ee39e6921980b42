"""`glossator inspect`: what a table or a model folder is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from glossator.cli.options import FLAT, InspectOptions
from glossator.cli.screen import Screen

__all__ = ["inspect"]


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
