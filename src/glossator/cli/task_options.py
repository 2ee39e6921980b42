"""Options that come from the kinds of tasks: their columns, and what they can be told and asked.

The kinds say in their configs what they read and know; no verb names one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Annotated, Any

from cyclopts import Parameter
from docstring_parser import parse

from glossator.tasks.config import KindConfig
from glossator.tasks.registry import config_named, configs, roles
from glossator.text.records import Columns

__all__ = [
    "ASKS",
    "COLUMNS",
    "KEPT",
    "OPTIONS",
    "columns_of",
    "given",
    "many_roles",
    "task_names",
    "told",
]


def task_names() -> str:
    """The tasks that a table teaches, as help lists them."""
    return ", ".join(config.name for config in configs() if config.shapes)


def columns_of(typed: Any) -> Columns:
    """The columns that were typed, by role."""
    return {
        name: value if isinstance(value, tuple) else (value,)
        for name, value in given(typed).items()
    }


def told(task: str, columns: Any, asks: Any = None) -> tuple[Columns, dict[str, Any]]:
    """The columns and the wishes that were typed for a model of some kind.

    What is a column to one kind may be a wish to another (`--entities`).

    Args:
        task: name of the kind.
        columns: what was typed of `COLUMNS`.
        asks: what was typed of `ASKS`; None where a verb has none of them.
    """
    config, typed = config_named(task), columns_of(columns)
    wishes = {field.name for field in dataclasses.fields(config.asks)}
    wishes -= {role.name for role in config.roles}
    moved = {name: value[0] for name, value in typed.items() if name in wishes}
    rest = {name: value for name, value in typed.items() if name not in moved}
    return rest, moved | ({} if asks is None else given(asks))


def given(typed: Any) -> dict[str, Any]:
    """What was typed of options of which none has a default."""
    values = {field.name: getattr(typed, field.name) for field in dataclasses.fields(typed)}
    return {name: value for name, value in values.items() if value not in (None, ())}


@cache
def many_roles() -> frozenset[str]:
    """The roles that several columns may have."""
    return frozenset(role.name for role in roles().values() if role.many)


def _columns() -> type:
    fields = []
    for role in roles().values():
        help = f"column {role.help}" + ("; several, with commas between, are joined" * role.many)
        help += "".join(_wished(role.name))
        hint: Any = tuple[str, ...] if role.many else str | None
        default: Any = () if role.many else None
        fields.append((role.name, Annotated[hint, _parameter(help)], default))
    return _made("ColumnOptions", fields)


def _wished(name: str) -> Iterable[str]:
    """What an option that names a column is to the kinds to which it is a wish."""
    for config in configs():
        for param in parse(config.asks.__doc__ or "").params:
            if param.arg_name == name:
                help = " ".join((param.description or "").split()).removesuffix(".")
                yield f"; to {config.name}: {help}"


def _merged(
    name: str, classes: Iterable[tuple[KindConfig, type]], *, without: Collection[str] = ()
) -> type:
    """The options of several kinds; one that several have must mean the same in each.

    Args:
        name: of the class.
        classes: the options of each.
        without: names that are options already.
    """
    found: dict[str, tuple[Any, str, list[str]]] = {}
    for config, cls in classes:
        words = {param.arg_name: param.description for param in parse(cls.__doc__ or "").params}
        for field in dataclasses.fields(cls):
            if field.name in without:
                continue
            help = " ".join((words.get(field.name) or "").split())
            hint = _hints(cls)[field.name]
            known = found.setdefault(field.name, (hint, _with_default(help, field.default), []))
            known[2].append(config.name)
    return _made(
        name,
        [
            (option, Annotated[hint | None, _parameter(f"{help} ({', '.join(kinds)})")], None)
            for option, (hint, help, kinds) in found.items()
        ],
    )


def _unkept() -> set[str]:
    """The wishes that no kind keeps."""
    wishes = {field.name for config in configs() for field in dataclasses.fields(config.asks)}
    return wishes.difference(*(config.keeps for config in configs()))


def _hints(cls: type) -> Mapping[str, Any]:
    import typing

    return typing.get_type_hints(cls)


def _with_default(help: str, default: Any) -> str:
    if default in (None, False, dataclasses.MISSING):
        return help
    return f"{help.removesuffix('.')}; by default {default}"


def _parameter(help: str) -> Parameter:
    return Parameter(help=help, show_default=False)


def _made(name: str, fields: Iterable[tuple[str, Any, Any]]) -> type:
    made = [(field, hint, dataclasses.field(default=default)) for field, hint, default in fields]
    # Its module would be `types`, whose classes the parser takes for plain values.
    place = {"__module__": __name__}
    return dataclasses.make_dataclass(name, made, namespace=place, frozen=True, kw_only=True)


COLUMNS: Any = _columns()
OPTIONS: Any = _merged("TaskOptions", [(config, config.options) for config in configs()])
ASKS: Any = _merged(
    "AskOptions", [(config, config.asks) for config in configs()], without=roles().keys()
)
KEPT: Any = _merged(
    "KeptOptions", [(config, config.asks) for config in configs()], without=_unkept()
)
