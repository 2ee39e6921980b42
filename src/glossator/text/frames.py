"""Tables of other libraries that are in memory, told by what they can do."""

from __future__ import annotations

from typing import Any

__all__ = ["frame_rows"]

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
