"""Inputs and their right answers from Python, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glossator.errors import InputError
from glossator.tasks.config import KindConfig
from glossator.tasks.registry import columns_scored
from glossator.text.frames import plain_row
from glossator.text.records import Columns

__all__ = ["rows_to_score"]


def rows_to_score(
    config: KindConfig, learned: Columns, inputs: Sequence[Any], targets: Sequence[Any] | None
) -> tuple[Columns, list[dict[str, Any]]]:
    """The columns by role, and N rows.

    Args:
        config: of the kind of task.
        learned: the columns that its model learned from.
        inputs: N texts, pairs or triples of texts, or mappings by column; at least one.
        targets: N right answers; None: the texts of a row are what belongs together.

    Raises:
        InputError: there is another number of targets, or an input has too many texts.
        ConfigError: the kind reads no such rows.
    """
    if not inputs or (targets is not None and len(inputs) != len(targets)):
        got = len(inputs if targets is None else targets)
        raise InputError(f"expected as many labels as texts, got {got} and {len(inputs)}")
    rows = [dict(x) if isinstance(x, Mapping) else _by_role(config, x) for x in inputs]
    known = learned if isinstance(inputs[0], Mapping) else {}
    if targets is not None:
        role = config.targets[0]
        rows = [row | {role: target} for row, target in zip(rows, targets, strict=True)]
        known = {name: names for name, names in known.items() if name != role}
    given = {
        role.name: names
        for role in config.roles
        if set(names := known.get(role.name, (role.name,))) <= rows[0].keys()
    }
    columns = columns_scored(config, known, given, tuple(rows[0]))
    return columns, [plain_row(row) for row in rows]


def _by_role(config: KindConfig, value: Any) -> dict[str, Any]:
    sides = [role.name for role in config.roles if not role.target]
    parts = value if isinstance(value, list | tuple) else (value,)
    if not 0 < len(parts) <= len(sides):
        raise InputError(f"got {value!r:.60}; expected a text, or 2 to {len(sides)} texts")
    return dict(zip(sides, parts, strict=False))
