"""What several tasks on one encoder can be told."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES
from glossator.text.records import Role

__all__ = ["CONFIG", "Asks", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How tasks share steps.

    Attributes:
        temperature: 1 learns rows as often as they come; higher evens the tasks out.
        members: what each task reads and is told, as JSON by its name; a .toml of tables says it.
    """

    temperature: float = 1.0
    members: str = "{}"

    def __post_init__(self) -> None:
        if not 1 <= self.temperature < math.inf:
            raise ConfigError(f"--temperature must be 1 or more, got {self.temperature}")
        self.said()

    def said(self) -> dict[str, Mapping[str, Any]]:
        """What is said of each task.

        Raises:
            ConfigError: it is no JSON object of objects.
        """
        try:
            found = json.loads(self.members)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not all(isinstance(x, dict) for x in found.values()):
            expected = 'expected a JSON object such as {"intent": {"text": "message"}}'
            raise ConfigError(f"--members is {self.members!r:.60}; {expected}")
        return found


@dataclass(frozen=True, kw_only=True)
class Asks:
    """What is asked of the answers.

    Attributes:
        only: the task that answers; rows that name another one are refused.
    """

    only: str | None = None


CONFIG = KindConfig(
    name="multi-task",
    summary="several tasks on one encoder, whose rows name their task",
    roles=(
        *(role for role in TEXT_ROLES if not role.target),
        # A target: rows that are answered need not have it, and it says what their right answer is.
        Role(
            name="member",
            help="that names the task of a row",
            target=True,
            usual=("task",),
            optional=True,
        ),
    ),
    shapes=(("member",),),
    options=Options,
    asks=Asks,
    opens_as="AutoModel",
    named_only=True,
)
