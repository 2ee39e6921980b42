"""What multiple choice can be told."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG", "Decision", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How choices are read.

    Attributes:
        choice_separator: a cell holds the choices with this between them; else it is a JSON list.
    """

    choice_separator: str | None = None

    def __post_init__(self) -> None:
        if self.choice_separator == "":
            raise ConfigError("--choice-separator is empty; expected what stands between choices")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become probabilities: they are divided by `temperature`, which is above 0."""

    temperature: float = 1.0


CONFIG = KindConfig(
    name="multiple-choice",
    summary="which of a row's own choices answers its question",
    roles=(
        Role(name="question", help="of the question"),
        Role(name="choices", help="of the choices: one with lists, or a column each", many=True),
        Role(
            name="answer",
            help="of the right choice: its number from 0, its letter from A, or its text",
            target=True,
        ),
    ),
    shapes=(("question", "choices", "answer"),),
    options=Options,
    opens_as="AutoModelForMultipleChoice",
)
