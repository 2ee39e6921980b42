"""The kinds of tasks by their names. Nothing here imports torch until a kind is asked for."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from glossator.config import from_mapping
from glossator.errors import ConfigError, did_you_mean
from glossator.tasks.config import KindConfig
from glossator.text.columns import matching
from glossator.text.records import Columns, Role

if TYPE_CHECKING:
    from glossator.tasks.task import Base, Task, TaskKind

__all__ = [
    "KINDS",
    "asks_of",
    "choose",
    "columns_for",
    "columns_scored",
    "config_named",
    "configs",
    "inputs_in",
    "kind_named",
    "name_opening",
    "options_of",
    "restored",
    "roles",
    "usual_columns",
]

KINDS: dict[str, str] = {
    "text-classification": "glossator.tasks.kinds.text_classification",
    "text-regression": "glossator.tasks.kinds.text_regression",
    "token-classification": "glossator.tasks.kinds.token_classification",
    "intent-slots": "glossator.tasks.kinds.intent_slots",
    "question-answering": "glossator.tasks.kinds.question_answering",
    "multiple-choice": "glossator.tasks.kinds.multiple_choice",
    "relation-extraction": "glossator.tasks.kinds.relation_extraction",
    "feature-extraction": "glossator.tasks.kinds.feature_extraction",
    "text-ranking": "glossator.tasks.kinds.text_ranking",
    "multi-task": "glossator.tasks.kinds.multi_task",
    "zero-shot-classification": "glossator.tasks.kinds.zero_shot_classification",
    "fill-mask": "glossator.tasks.kinds.fill_mask",
    "text-generation": "glossator.tasks.kinds.text_generation",
}
"""Name and package of each kind: `config.py` has its `CONFIG`, `task.py` its `KIND`."""


def config_named(name: str) -> KindConfig:
    """What a kind says of itself.

    Raises:
        ConfigError: there is no such kind.
    """
    if name not in KINDS:
        hint = did_you_mean(name, KINDS)
        raise ConfigError(f"there is no task '{name}'; there are: {', '.join(KINDS)}{hint}")
    config: KindConfig = importlib.import_module(f"{KINDS[name]}.config").CONFIG
    return config


def configs() -> list[KindConfig]:
    """What all kinds say of themselves, in their order."""
    return [config_named(name) for name in KINDS]


def kind_named(name: str) -> TaskKind:
    """A kind.

    Raises:
        ConfigError: there is no such kind.
    """
    config_named(name)
    kind: TaskKind = importlib.import_module(f"{KINDS[name]}.task").KIND
    return kind


def roles() -> dict[str, Role]:
    """The roles of all kinds by name; one that several have is the same in each."""
    return {role.name: role for config in configs() for role in config.roles}


def options_of(config: KindConfig, given: Mapping[str, Any]) -> Any:
    """The options of a kind.

    Raises:
        ConfigError: it has no such option, or a value is wrong; the message lists those it has.
    """
    return _of(config.options, config.name, given)


def asks_of(config: KindConfig, given: Mapping[str, Any]) -> Any:
    """What is wanted of the answers of a kind.

    Raises:
        ConfigError: it knows no such wish, or a value is wrong.
    """
    return _of(config.asks, config.name, given)


def name_opening(opens_as: str) -> str:
    """The first kind whose folders a class of transformers opens; empty where there is none."""
    return next((config.name for config in configs() if config.opens_as == opens_as), "")


def restored(base: Base, name: str | None, saved: Mapping[str, Any] | None) -> Task | None:
    """The task of a folder: of the kind named, or of the first to which a foreign one answers."""
    for each in KINDS if name is None else (name,):
        task = kind_named(each).restore(base, saved)
        if task is not None:
            return task
    return None


def choose(
    name: str | None,
    typed: Columns,
    columns: Sequence[str],
    table: str,
    told: Collection[str] = (),
) -> tuple[KindConfig, Columns]:
    """The kind of task that a table is for, and the columns that it reads.

    Args:
        name: of the kind, where the user says it.
        typed: columns that the user named, by role.
        columns: of the table.
        table: its name in messages.
        told: options that the table itself names, at least one of which the kind has.

    Raises:
        ConfigError: the kind has no such role, several kinds fit, a role has too many columns, a
            column that is learned is read too, or the table names options that no kind has.
    """
    _refuse_several(typed)
    every = configs() if name is None else [config_named(name)]
    learning = [config for config in every if config.shapes]
    if not learning:
        names = ", ".join(config.name for config in configs() if config.shapes)
        raise ConfigError(f"{name} cannot be learned from a table; expected one of: {names}")
    if told:
        learning = [config for config in learning if _fields(config.options) & set(told)]
        if not learning:
            raise ConfigError(f"{table} lists tables, which {name} cannot be learned from")
    able = [c for c in learning if typed.keys() <= {role.name for role in c.roles}]
    if not able:
        _refuse_roles(learning, typed)
    if name is None:
        able = [config for config in able if not config.named_only] or able
    fitting = [(c, found) for c in able if (found := _found(c, typed, columns)) is not None]
    if not fitting:
        # The plainest that the first would read: the table says which of these it lacks.
        return able[0], _columns(able[0], able[0].shapes[-1], typed, columns)
    richest = max(len(found) for _, found in fitting)
    best = [(c, found) for c, found in fitting if len(found) == richest]
    if len(best) > 1:
        names = ", ".join(config.name for config, _ in best)
        raise ConfigError(f"{table} fits several tasks: {names}; name one with --task")
    _refuse_answers_read(*best[0])
    return best[0]


def inputs_in(config: KindConfig, trained: Columns, columns: Sequence[str]) -> Columns:
    """Other columns to answer from, where a table lacks those that were learned from.

    Args:
        config: of the model's kind.
        trained: those that it learned from.
        columns: of the table.

    Returns:
        by role the usual names of the first shape whose inputs the table has; else nothing.
    """
    asked = [x for role, names in trained.items() if role not in config.targets for x in names]
    if not columns or set(asked) <= set(columns):
        return {}
    for shape in config.shapes:
        inputs = [role for role in shape if role not in config.targets]
        if set(inputs) <= set(columns):
            return {role: (role,) for role in inputs}
    return {}


def columns_for(config: KindConfig, trained: Columns, typed: Columns) -> Columns:
    """The columns that a model reads of another table.

    Args:
        config: of its kind.
        trained: those that it learned from.
        typed: those that the user named; other roles than before ask for another shape.

    Raises:
        ConfigError: the kind has no such role, or one has too many columns.
    """
    _refuse_several(typed)
    if typed.keys() <= trained.keys():
        return {**trained, **typed}
    if not typed.keys() <= {role.name for role in config.roles}:
        _refuse_roles([config], typed)
    shape = next((x for x in config.shapes if typed.keys() <= set(x)), tuple(typed))
    return {role: typed.get(role) or trained.get(role) or (role,) for role in shape}


def columns_scored(
    config: KindConfig, learned: Columns, typed: Columns, present: Sequence[str]
) -> Columns:
    """The columns of a table by which a model is scored whose task is `ScoredByColumns`.

    Named ones decide, and bring in no more than they need. Where none is named a model is scored
    as it learned; one that learned from the plainest rows, by all that the table has.

    Args:
        config: of its kind.
        learned: the columns that it learned from.
        typed: those that the user named, by role.
        present: those of the table; none where it has no header.

    Raises:
        ConfigError: the kind has no such role, or no rows with these together, a role has too many
            columns, or a column that is learned is read too.
    """
    _refuse_several(typed)
    if not typed.keys() <= {role.name for role in config.roles}:
        _refuse_roles([config], typed)
    asked = {**learned, **typed}
    _refuse_answers_read(config, asked)
    if not typed and set(learned) != set(config.shapes[-1]):
        return learned
    if typed and asked.keys() == learned.keys() and _has(asked, present):
        return asked
    shapes = [shape for shape in config.shapes if typed.keys() <= set(shape)]
    if not shapes:
        _refuse_together(config, typed)
    every = [
        _columns(config, shape, {x: asked[x] for x in shape if x in asked}, present)
        for shape in shapes
    ]
    plainest = min(every, key=len)
    return plainest if typed else next((x for x in every if _has(x, present)), plainest)


def _has(columns: Columns, present: Sequence[str]) -> bool:
    """Whether a table has these columns; one without a header may."""
    return not present or all(
        matching(name, present) in present for names in columns.values() for name in names
    )


def usual_columns(config: KindConfig) -> Columns:
    """The columns of the plainest table that a kind reads, by their usual names."""
    shape = config.shapes[-1] if config.shapes else tuple(role.name for role in config.roles)
    return {role: (role,) for role in shape}


def _fields(options: type) -> set[str]:
    return {field.name for field in dataclasses.fields(options)}


def _of(cls: type, kind: str, given: Mapping[str, Any]) -> Any:
    names = [field.name for field in dataclasses.fields(cls)]
    for name in given:
        if name not in names:
            has = ", ".join(f"--{x.replace('_', '-')}" for x in names) or "none"
            raise ConfigError(
                f"--{name.replace('_', '-')} is no option of {kind}, which has: {has}"
            )
    return from_mapping(cls, given)


def _found(config: KindConfig, typed: Columns, columns: Sequence[str]) -> Columns | None:
    for shape in config.shapes:
        found = _columns(config, shape, typed, columns)
        if all(role in typed or matching(found[role][0], columns) in columns for role in shape):
            return found
    return None


def _columns(
    config: KindConfig, shape: Sequence[str], typed: Columns, columns: Sequence[str]
) -> Columns:
    """The columns of a shape, and what else was typed, in the order of the roles."""
    return {
        role.name: typed.get(role.name)
        or (next((n for n in role.names if matching(n, columns) in columns), role.name),)
        for role in config.roles
        if role.name in shape or role.name in typed
    }


def _refuse_several(typed: Columns) -> None:
    every = roles()
    for name, columns in typed.items():
        if len(columns) > 1 and name in every and not every[name].many:
            flag = name.replace("_", "-")
            raise ConfigError(
                f"--{flag} names one column, got {len(columns)}: {', '.join(columns)}"
            )


def _refuse_answers_read(config: KindConfig, columns: Columns) -> None:
    """A column that is learned must not be read too: its answer would stand in the text."""
    for target in config.targets:
        for role, names in columns.items():
            both = [name for name in names if name in columns.get(target, ())]
            if both and role not in config.targets:
                raise ConfigError(
                    f"column '{both[0]}' is what is learned (--{target.replace('_', '-')}), and "
                    f"among those read (--{role.replace('_', '-')}): leave it out of these"
                )


def _refuse_together(config: KindConfig, typed: Columns) -> NoReturn:
    named, *read = (
        " ".join(f"--{name.replace('_', '-')}" for name in shape)
        for shape in (tuple(typed), *config.shapes)
    )
    raise ConfigError(f"{config.name} reads no rows with {named}; it reads: {'; '.join(read)}")


def _refuse_roles(kinds: Sequence[KindConfig], typed: Columns) -> None:
    if len(kinds) > 1:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in typed)
        raise ConfigError(f"no task reads {flags} together; name the task with --task")
    known = [role.name for role in kinds[0].roles]
    other = next(name for name in typed if name not in known)
    flags = ", ".join(f"--{name.replace('_', '-')}" for name in known)
    raise ConfigError(
        f"{kinds[0].name} reads no column --{other.replace('_', '-')}; it reads: {flags}"
    )
