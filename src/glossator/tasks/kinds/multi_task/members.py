"""The tasks that share an encoder: what each is, and what it reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glossator.errors import ConfigError, InputError, ModelFolderError
from glossator.tasks.kinds.multi_task.config import CONFIG
from glossator.tasks.registry import choose, config_named, kind_named, options_of, roles
from glossator.tasks.task import Base, Reader, Surveying, Task
from glossator.text.columns import check_columns, resolved
from glossator.text.records import Columns, Record
from glossator.text.rows import Row, Table

__all__ = ["Member", "Piece", "as_json", "from_json", "member_of"]


@dataclass(frozen=True)
class Member:
    """One of the tasks.

    Attributes:
        name: as rows call it.
        kind: of task.
        columns: that it reads, by role.
        options: of its kind.
    """

    name: str
    kind: str
    columns: Columns
    options: Any

    def reader(self) -> Reader:
        """Reads its rows, from which it is yet to be learned."""
        return kind_named(self.kind).reader(self.columns, self.options)

    def learn(self, records: Sequence[Record], base: Base) -> Task:
        """The task that its training rows define.

        Raises:
            ConfigError: it would also look at its rows once it is trained.
        """
        task = kind_named(self.kind).learn(records, base, self.columns, self.options)
        if isinstance(task, Surveying):
            raise ConfigError(
                f"task '{self.name}' looks at its training rows again once it is trained "
                "(out_of_scope), which a task that shares an encoder cannot yet; leave it out"
            )
        return task


@dataclass(frozen=True, slots=True)
class Piece:
    """A row as one task reads it.

    Attributes:
        member: the task.
        record: what it reads.
    """

    member: Member
    record: Record


def member_of(name: str, said: Mapping[str, Any], row: Row, among: Sequence[str]) -> Member:
    """A task, from what is said of it and the columns of its first row.

    Args:
        name: of the task.
        said: its columns by role, its options, and under `task` its kind where that is said.
        row: its first row.
        among: the columns of that row which the task may read.

    Raises:
        ConfigError, ColumnError: the message names the task.
    """
    given = {key.replace("-", "_"): value for key, value in said.items()}
    kind = given.pop("task", None)
    table = Table(row.source, lambda: (tuple(among), iter(())), [])
    try:
        typed = {role: _columns(role, given.pop(role)) for role in roles() if role in given}
        if kind == CONFIG.name:
            raise ConfigError(f"{CONFIG.name} cannot be one of its own tasks")
        config, columns = choose(kind, typed, among, row.source)
        columns = resolved(columns, table)
        check_columns(table, [x for names in columns.values() for x in names])
        options = options_of(config, given)
    except InputError as error:
        error.message = f"task '{name}': {error.message}"
        error.file = error.file or row.source
        raise
    return Member(name, config.name, columns, options)


def _columns(role: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(x, str) for x in names):
        raise ConfigError(f"{role} is {value!r:.60}; expected the name of a column, or several")
    return tuple(names)


def as_json(member: Member) -> dict[str, Any]:
    """A member as a folder holds it."""
    return {
        "task": member.kind,
        "columns": {role: list(names) for role, names in member.columns.items()},
        "options": dataclasses.asdict(member.options),
    }


def from_json(
    name: str, saved: Mapping[str, Any], decision: Mapping[str, Any], base: Base
) -> tuple[Member, Task]:
    """A member, and its task, from what a folder holds.

    Args:
        name: of the member.
        saved: as `as_json` gave it, with what the task has learned, and under `config` the fields
            of `config.json` that a folder of its own would have.
        decision: what the task decides by.
        base: the folder of all.

    Raises:
        ModelFolderError: it is of a kind that such a folder does not answer.
    """
    columns = {role: tuple(names) for role, names in saved["columns"].items()}
    config = config_named(saved["task"])
    member = Member(name, config.name, columns, options_of(config, saved["options"]))
    own = dataclasses.replace(base, source=base.source.with_fields(saved["config"]))
    told = {"learned": saved["learned"], "options": saved["options"], "decision": decision}
    task = kind_named(config.name).restore(own, told)
    if task is None:
        message = f"the folder holds no {config.name} for the task '{name}'"
        raise ModelFolderError(message, file=base.folder)
    return member, task
