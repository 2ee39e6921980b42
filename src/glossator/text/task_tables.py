"""A .toml that lists the tables of several tasks: their rows as one table, each with its task."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from glossator.config import from_mapping, line_of, read_toml
from glossator.errors import ColumnError, ConfigError, TableError, did_you_mean
from glossator.text.config import TableConfig
from glossator.text.formats import fitting
from glossator.text.rows import Beside, Item, Table

__all__ = ["TASK", "check_name", "open_task_tables"]

TASK = "task"
"""The column in which a row names its task."""

_PARTS = ("train", "dev", "test")
_NAME = re.compile(r"[\w-]{1,64}")  # stands in the names of scores, parameters and anchors
_READING = tuple(field.name for field in dataclasses.fields(TableConfig))

Opened = Callable[[str, TableConfig], Table]
"""Opens one of the tables."""


@dataclass(frozen=True)
class _Listed:
    """A task with its tables.

    Attributes:
        name: of the task.
        files: of each part that is named, relative to where we are.
        reading: how they are read.
        said: all else that stands there.
    """

    name: str
    files: Mapping[str, tuple[str, ...]]
    reading: Mapping[str, Any]
    said: Mapping[str, Any]


def open_task_tables(path: str, config: TableConfig, opened: Opened, notes: list[str]) -> Table:
    """The training rows of all tasks, one task after the other; `beside` has the other parts.

    `[tasks.NAME]` has `train`, and perhaps `dev` and `test`: a file or a list of some, relative to
    the .toml; how they are read (`delimiter = "tab"`); and what is said of the task. What stands
    above these tables is said of all tasks together.

    Args:
        path: of the .toml.
        config: how the tables are read where theirs does not say otherwise.
        opened: opens one table.
        notes: of all tables.

    Raises:
        ConfigError: it is no TOML, or a value in it is wrong.
        TableError, ColumnError: a table is missing, cannot be read, or has a column `task`.
    """
    said = read_toml(path)
    tasks = _listed(path, said.pop("tasks", None))
    if others := [name for name, value in said.items() if isinstance(value, dict)]:
        message = f"unknown table [{others[0]}]; expected [tasks.{others[0]}]"
        raise ConfigError(message, file=path, line=line_of(path, others[0]))
    found = _joined(path, "train", tasks, config, opened, notes)
    members = {task.name: task.said for task in tasks}
    found.options = {**said, "members": json.dumps(members, ensure_ascii=False)}
    for part in _PARTS[1:]:
        having = [task for task in tasks if part in task.files]
        if having:
            found.beside[part] = Beside(
                _joined(path, part, having, config, opened, notes),
                _own_sources(path, part, having, tasks),
            )
    return found


def check_name(name: str) -> str | None:
    """What is wrong with the name of a task; None where nothing is."""
    if _NAME.fullmatch(name):
        return None
    return f"{name[:80]!r} is no name of a task; expected 1 to 64 letters, digits, _ and -"


def _listed(path: str, tables: Any) -> list[_Listed]:
    if not isinstance(tables, dict) or not tables:
        message = 'lists no task; expected a table for each, such as [tasks.intent] with train = "'
        raise ConfigError(f'{message}intent.csv"', file=path)
    tasks = []
    for name, section in tables.items():
        if wrong := check_name(name):
            raise ConfigError(wrong, file=path)
        if not isinstance(section, dict):
            message = f"tasks.{name} is {section!r:.60}; expected a table [tasks.{name}]"
            raise ConfigError(message, file=path, line=line_of(path, name))
        tasks.append(_task(path, name, section))
    return tasks


def _task(path: str, name: str, section: Mapping[str, Any]) -> _Listed:
    named = {key.replace("-", "_"): value for key, value in section.items()}
    files = {part: _files(path, name, part, named.pop(part)) for part in _PARTS if part in named}
    if "train" not in files:
        hint = did_you_mean("train", [key for key in named if isinstance(named[key], str)])
        message = f"task '{name}' has no table; expected train = \"FILE\" in [tasks.{name}]{hint}"
        raise ConfigError(message, file=path, line=_line(path, name))
    reading = {key: named.pop(key) for key in _READING if key in named}
    try:
        from_mapping(TableConfig, reading)
    except ConfigError as error:
        raise ConfigError(error.message, file=path, line=_line(path, name)) from None
    return _Listed(name, files, reading, named)


def _line(path: str, name: str) -> int | None:
    """The line on which the table of a task begins."""
    return line_of(path, f"tasks.{name}")


def _files(path: str, name: str, part: str, value: Any) -> tuple[str, ...]:
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not files or not all(isinstance(x, str) for x in files):
        message = f"{part} of [tasks.{name}] is {value!r:.60}; expected a file, or a list of some"
        raise ConfigError(message, file=path, line=_line(path, name))
    return tuple(os.path.join(os.path.dirname(path), file) for file in files)


def _joined(
    path: str,
    part: str,
    tasks: Sequence[_Listed],
    config: TableConfig,
    opened: Opened,
    notes: list[str],
) -> Table:
    """The rows of one part of some tasks."""
    tables = [
        (task.name, _open_one(file, task, config, opened))
        for task in tasks
        for file in task.files[part]
    ]
    columns = dict.fromkeys([TASK, *chain.from_iterable(table.columns for _, table in tables)])

    def items() -> Iterator[Item]:
        for name, table in tables:
            for item in table:
                yield _named(item, name)

    found = Table(path, lambda: (tuple(columns), items()), notes)
    found.files = tuple(dict.fromkeys(file for task in tasks for file in task.files[part]))
    return found


def _open_one(file: str, task: _Listed, config: TableConfig, opened: Opened) -> Table:
    if file.endswith(".toml"):
        message = f"lists tables itself; name those of them that task '{task.name}' is learned from"
        raise TableError(message, file=file)
    usual = fitting(file, dataclasses.replace(config, format=None))
    table = opened(file, dataclasses.replace(usual, **_read_as(task.reading)))
    if table.once:
        message = f"is a stream; the tables of a task, here '{task.name}', are read several times"
        raise TableError(message, file=file)
    if TASK in table.columns:
        message = f"column '{TASK}' is where rows name their task, here '{task.name}'; rename it"
        raise ColumnError(message, file=file)
    return table


def _read_as(reading: Mapping[str, Any]) -> dict[str, Any]:
    config = from_mapping(TableConfig, reading)
    return {name: getattr(config, name) for name in reading}


def _named(item: Item, task: str) -> Item:
    """A row, or one that cannot be used, with the task that it is of."""
    if item.values is None:
        return item
    return dataclasses.replace(item, values={TASK: task, **item.values})


def _own_sources(
    path: str, part: str, having: Sequence[_Listed], tasks: Sequence[_Listed]
) -> frozenset[str]:
    """The training files beside which a table of that part lies.

    Raises:
        ConfigError: one is also of a task without such a table.
    """
    own = {file: task.name for task in having for file in task.files["train"]}
    for task in tasks:
        for file in task.files["train"]:
            if part not in task.files and file in own:
                message = (
                    f"tasks '{own[file]}' and '{task.name}' are both learned from {file}, and one "
                    f"alone has {part}; name it for both, or for neither"
                )
                raise ConfigError(message, file=path)
    return frozenset(own)
