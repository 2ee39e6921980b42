"""Tables of other libraries that are in memory, told by what they can do, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["frame_rows", "plain_row"]

# The method that gives all rows as mappings by column name.
_METHODS = ("to_pylist", "to_dicts", "to_list")


def frame_rows(data: Any) -> list[dict[str, Any]] | None:
    """The rows of a table of pandas, polars, pyarrow or `datasets`; None of anything else."""
    if hasattr(data, "collect_schema") and not hasattr(data, "to_dicts"):  # not yet computed
        data = data.collect()
    if hasattr(data, "column_names"):  # pyarrow, whose rows come by a method, and datasets
        named = next((name for name in _METHODS if hasattr(data, name)), None)
        return list(getattr(data, named)() if named else data)
    if not hasattr(data, "columns"):
        return None
    rows: list[dict[str, Any]] = (
        data.to_dicts() if hasattr(data, "to_dicts") else data.to_dict("records")
    )
    return rows


def plain_row(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """A row with the lists and numbers of Python in place of numpy's.

    pandas makes arrays of the lists of a Parquet file, also inside lists and mappings.
    """
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return plain_row(value)
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value
