"""What a table is, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from glossator.cli.options import InspectOptions
from glossator.cli.plain import shortened
from glossator.cli.screen import Screen, grid
from glossator.cli.task_options import columns_of, given
from glossator.errors import ColumnError, ModelFolderError
from glossator.models.starter import STARTERS, locate
from glossator.tasks.config import KindConfig
from glossator.tasks.registry import choose, kind_named, options_of
from glossator.text.columns import check_columns, resolved
from glossator.text.preflight import Preflight, preflight
from glossator.text.records import Columns
from glossator.text.rows import Row, Table
from glossator.text.tables import open_table
from glossator.text.tokenizer import Tokenizer

__all__ = ["inspect_table"]

_SHOWN = 20


def inspect_table(path: str, options: InspectOptions, screen: Screen) -> None:
    """Show the columns of a table, what it is for, and what preflight finds.

    Raises:
        TableError: the table cannot be read.
        ColumnError: a column is missing, or none was named and none can be guessed.
    """
    table = open_table(path, options.table)
    kind, columns, targets = _columns(table, options)
    check_columns(table, [name for names in columns.values() for name in names])
    told = options_of(kind, {**table.options, **given(options.options)})
    reader = kind_named(kind.name).reader(columns, told)
    examiner, (starter, tokenizer) = reader.examiner(), _tokenizer()
    checked = preflight(
        (reader.read(x, targets=targets) if isinstance(x, Row) else x for x in table),
        examiner=examiner if targets else None,
        tokenizer=tokenizer,
        notes=table.notes,
    )
    screen.json(_object(table, kind.name, columns, examiner.counts if targets else {}, checked))
    screen.line(f"{table.path}: a table with the columns {', '.join(table.columns)}")
    for line in table.dialect.lines() if table.dialect else ():
        if not any(note.endswith(line) for note in table.notes):  # which preflight tells
            screen.line(f"  {line}")
    roles = ", ".join(f"{role} from {', '.join(names)}" for role, names in columns.items())
    screen.line(f"  {kind.name} reads {roles}" if targets else f"  {roles}; nothing to learn from")
    if starter:
        screen.line(f"  tokens counted as {starter} does")
    screen.title("Preflight")
    screen.findings(checked.findings, result=True)
    if targets and examiner.counts:
        _show_counts(screen, examiner.counts, kind.targets[0])


def _columns(table: Table, options: InspectOptions) -> tuple[KindConfig, Columns, bool]:
    """What the table is for, its columns, and whether those to learn are among them."""
    typed = columns_of(options.columns)
    kind, columns = choose(options.task, typed, table.columns, table.path, table.options)
    asked = {role: typed.get(role, names) for role, names in columns.items()}
    asked = resolved(asked, table)
    there = {
        role: names
        for role, names in asked.items()
        if role in typed or not table.columns or set(names) <= set(table.columns)
    }
    if there.keys() == asked.keys():
        return kind, asked, True
    first = kind.roles[0].name
    inputs = {role: names for role, names in there.items() if role not in kind.targets}
    if first in inputs:
        return kind, inputs, False
    others = [x for x in table.columns if all(x not in names for names in there.values())]
    if len(others) == 1:
        guessed = {first: (others[0],), **there}
        return kind, guessed, set(kind.targets) & guessed.keys() != set()
    named, flag = ", ".join(table.columns), first.replace("_", "-")
    raise ColumnError(f"which column is the {first}? name it with --{flag}; there are: {named}")


def _tokenizer() -> tuple[str | None, Tokenizer | None]:
    """The tokenizer of a starter that is on this machine."""
    for name in STARTERS:
        try:
            return name, Tokenizer.load(locate(name))
        except ModelFolderError:
            continue
    return None, None


def _object(
    table: Table, task: str, columns: Columns, counts: Mapping[str, int], checked: Preflight
) -> dict[str, Any]:
    rows = checked.rows["train"]
    return {
        "kind": "table",
        "path": table.path,
        "columns": list(table.columns),
        "task": task,
        "read": {role: list(names) for role, names in columns.items()},
        "rows": {"read": rows.read, "used": rows.used, "rejected": rows.rejected},
        "counts": dict(Counter(counts).most_common()),
        "notes": table.notes,
        "findings": [finding.to_json() for finding in checked.findings],
    }


def _show_counts(screen: Screen, counts: Mapping[str, int], target: str) -> None:
    """How often each thing occurs that is to be learned."""
    most = Counter(counts).most_common(_SHOWN)
    title = f"{len(counts):,} labels"
    screen.title(title if len(most) == len(counts) else f"{title}, the {_SHOWN} most frequent")
    total = sum(counts.values())
    rows = [(shortened(name, 60), f"{n:,}", f"{n / total:.1%}") for name, n in most]
    screen.table(grid((target, "count", "share"), rows))
