"""`glossator inspect`: what a table, a model folder or an index is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from glossator.cli.options import FLAT, InspectOptions
from glossator.cli.screen import Screen
from glossator.text.text_folder import is_model_folder, text_files

__all__ = ["inspect"]


_DEFAULTS = InspectOptions()


def inspect(path: str, /, *, options: Annotated[InspectOptions, FLAT] = _DEFAULTS) -> int:
    """Say what a table, a model folder or a search index is, and what is wrong with it.

    Args:
        path: a table, a folder of .txt files, a model folder, a starter, or an index.
        options: what of a table is looked at.
    """
    from glossator.search.store import is_index

    screen = Screen(json=options.shown.json)
    path = _located(path)
    if is_index(Path(path)):
        from glossator.cli.inspect_index import inspect_index

        inspect_index(Path(path), screen)
    elif Path(path).is_dir() and (is_model_folder(path) or not _holds_texts(path)):
        from glossator.cli.inspect_model import inspect_model

        inspect_model(Path(path), screen)
    else:
        from glossator.cli.inspect_table import inspect_table

        inspect_table(path, options, screen)
    return 0


def _located(path: str) -> str:
    """A path, or that of the starter so called; a path of that name goes first."""
    from glossator.models.starter import STARTERS, locate

    return str(locate(path)) if path in STARTERS and not Path(path).exists() else path


def _holds_texts(path: str) -> bool:
    return next(text_files(path), None) is not None
