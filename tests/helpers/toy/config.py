"""A toy kind of task: which of some choices answers a question."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How choices are learned.

    Attributes:
        sharpness: logits are multiplied by it.
    """

    sharpness: float = 1.0


CONFIG = KindConfig(
    name="toy-choice",
    summary="which of some choices answers a question",
    roles=(
        Role(name="question", help="of the question"),
        Role(name="choices", help="of the choices, a list"),
        Role(name="answer", help="of the number of the right choice, from 0", target=True),
    ),
    shapes=(("question", "choices", "answer"),),
    options=Options,
    opens_as="AutoModel",
)
