"""What a kind of task says of itself before torch is loaded: columns, options, when it fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glossator.text.records import Role

__all__ = ["KindConfig", "NoOptions"]


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """A task that has no options of its own."""


@dataclass(frozen=True, kw_only=True)
class KindConfig:
    """A kind of task, as the command line knows it.

    Attributes:
        name: under which it is asked for, `text-classification`.
        summary: what it answers, in a few words.
        roles: of the columns that it reads; the first is what a bare text is.
        shapes: the sets of roles that it can learn from, the richest first; none where it only
            answers.
        options: a frozen dataclass of what it can be told when it learns.
        asks: a frozen dataclass of what it can be told when it answers.
        most: how much who shares the model with others may ask for, by those fields of `asks` that
            are numbers of steps or of what each takes.
        keeps: the fields of `asks` that a model can be told once and for all.
        models: the fields of `asks` that are model folders, which are opened beforehand.
        opens_as: the class of transformers that opens its folders.
        named_only: whether it is chosen by name alone, since others read the same columns.
    """

    name: str
    summary: str
    roles: tuple[Role, ...]
    shapes: tuple[tuple[str, ...], ...] = ()
    options: type = NoOptions
    asks: type = NoOptions
    most: Mapping[str, int] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    opens_as: str
    named_only: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the roles that hold what is learned."""
        return tuple(role.name for role in self.roles if role.target)
