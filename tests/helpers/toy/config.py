"""A toy kind of task: which of some lines solves a riddle."""

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
    summary="which of some lines solves a riddle",
    roles=(
        Role(name="riddle", help="of the riddle"),
        Role(name="lines", help="of the choices, a list"),
        Role(name="solution", help="of the number of the right choice, from 0", target=True),
    ),
    shapes=(("riddle", "lines", "solution"),),
    options=Options,
    opens_as="AutoModel",
)
