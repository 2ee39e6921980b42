"""What intents with their slots can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.entity_roles import MARK_ROLES, WORD_ROLES
from glossator.text.records import Role

__all__ = ["CONFIG", "Decision", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How frames are read and learned.

    Attributes:
        scheme: of the tags that a model learns; those of a table may be of any.
        decoder: tags says of each word what it is; crf also learns which tags follow each other.
        intent_weight: what the loss of the intent counts beside that of the slots.
    """

    scheme: Literal["BIO", "BIOES", "IO"] = "BIO"
    decoder: Literal["tags", "crf"] = "tags"
    intent_weight: float = 1.0

    def __post_init__(self) -> None:
        if not (self.intent_weight > 0 and math.isfinite(self.intent_weight)):
            raise ConfigError(
                f"--intent-weight must be a number above 0, got {self.intent_weight}; "
                "--task token-classification learns slots alone"
            )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become probabilities.

    Attributes:
        temperature: what the logits of tags are divided by; above 0.
        intent_temperature: what those of intents are divided by; above 0.
    """

    temperature: float = 1.0
    intent_temperature: float = 1.0


CONFIG = KindConfig(
    name="intent-slots",
    summary="what a text asks for, and which stretches of it say the details",
    roles=(
        *WORD_ROLES,
        Role(name="intent", help="of what the text asks for", target=True),
        *MARK_ROLES,
    ),
    shapes=(("tokens", "tags", "intent"), ("text", "entities", "intent")),
    options=Options,
    opens_as="AutoModelForTokenClassification",
)
