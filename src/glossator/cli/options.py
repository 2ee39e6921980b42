"""Options that several verbs share, and the TOML file that may lie beneath them."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any

from cyclopts import App, Argument, ArgumentCollection, Parameter
from cyclopts.config import Dict

from glossator.cli.failures import STDIN
from glossator.cli.task_options import ASKS, COLUMNS, OPTIONS, many_roles
from glossator.config import from_mapping, read_toml
from glossator.errors import ConfigError
from glossator.models.config import RuntimeConfig
from glossator.text.config import TableConfig

__all__ = [
    "COLUMN",
    "FLAT",
    "MACHINE",
    "SPREAD",
    "TABLES",
    "TYPED",
    "InspectOptions",
    "ScoringOptions",
    "Shown",
    "complete",
    "show_default",
]

TYPED: ContextVar[str] = ContextVar("typed", default="glossator")
"""The command line as it was typed."""

# The fields of a config become options of the verb; of some in a panel of their own.
FLAT = Parameter(name="*")
COLUMN = Parameter(name="*", group="Columns")
MACHINE = Parameter(name="*", group="Machine")
TABLES = Parameter(name="*", group="Tables")
SPREAD = Parameter(group="Machine")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How the result is told.

    Attributes:
        json: print one JSON object on standard output, and nothing else.
        debug: show the traceback of an error.
    """

    json: bool = False
    debug: bool = False


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """How a model is held against tables with the right answers.

    Attributes:
        task: that the model folder is to answer, where it is not its own.
        columns: of the tables; by default those that the model was trained on.
        table: how the tables are read.
        runtime: where the model runs.
        asks: what is wanted of the answers.
        shown: how the result is told.
    """

    task: str | None = None
    columns: Annotated[COLUMNS, COLUMN] = field(default_factory=COLUMNS)
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    asks: Annotated[ASKS, Parameter(name="*", group="Answers")] = field(default_factory=ASKS)
    runtime: Annotated[RuntimeConfig, MACHINE] = field(default_factory=RuntimeConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """What of a table is looked at.

    Attributes:
        task: that the table is for; by default read off the columns.
        columns: of the table; the usual names are found.
        options: how a task reads its columns.
        table: how the table is read.
        shown: how the result is told.
    """

    task: str | None = None
    columns: Annotated[COLUMNS, COLUMN] = field(default_factory=COLUMNS)
    options: Annotated[OPTIONS, Parameter(name="*", group="Task")] = field(default_factory=OPTIONS)
    table: Annotated[TableConfig, TABLES] = field(default_factory=TableConfig)
    shown: Annotated[Shown, FLAT] = field(default_factory=Shown)


def show_default(value: Any) -> str | None:
    """A default as it would be typed; none for a switch, which is off."""
    if isinstance(value, bool):
        return None
    return (",".join(value) if isinstance(value, tuple) else str(value)) or None


def complete(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Finish the words before they become values.

    `-` is put back, columns that are joined are cut at their commas (`--text title,body`), and what
    was not typed is taken from the file that `--config` names.

    Raises:
        ConfigError: the file is no TOML, or an option in it is unknown or of the wrong kind.
    """
    for argument in arguments:
        _restore(argument)
    config = next((a for a in arguments if "--config" in a.names and a.tokens), None)
    if config is not None:
        path = config.tokens[0].value
        options = Dict(_flat_options(path, commands), source=path, use_commands_as_keys=False)
        options(app, commands, arguments)


def _restore(argument: Argument) -> None:
    listed = many_roles() | {"columns"}
    cut = any(name[2:].replace("-", "_") in listed for name in argument.names)
    argument.tokens[:] = [
        token.evolve(value=part)
        for token in argument.tokens
        for part in (
            token.value.split(",") if cut else ["-" if token.value == STDIN else token.value]
        )
    ]


def _flat_options(path: str, commands: tuple[str, ...]) -> dict[str, Any]:
    """The options of a verb's TOML file by name, without the tables that they stand in."""
    tables = read_toml(path)
    if commands[-1:] == ("pretrain",):
        from glossator.pretraining.config import PretrainConfig

        from_mapping(PretrainConfig, tables, file=path)  # says what is wrong, and names the file
    else:
        from glossator.finetuning.config import FitConfig

        from_mapping(FitConfig, tables, file=path)
        from_mapping(OPTIONS, tables.get("options", {}), file=path)
        # Names alone: a column is one or a list of one.
        columns = {name: name for name in tables.get("columns", {})}
        from_mapping(COLUMNS, columns, file=path)
    options: dict[str, Any] = {}
    for name, value in tables.items():
        options |= value if isinstance(value, dict) else {name: value}
    for name in tables.get("columns", {}):
        if isinstance(options[name], list) and name.replace("-", "_") not in many_roles():
            if len(options[name]) != 1:
                raise ConfigError(f"{name} is {options[name]}; expected one column", file=path)
            (options[name],) = options[name]
    return {name.replace("_", "-"): value for name, value in options.items()}
