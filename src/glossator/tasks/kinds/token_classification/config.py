"""What token classification can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.entity_roles import MARK_ROLES, WORD_ROLES

__all__ = ["CONFIG", "Decision", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How entities are read and learned.

    Attributes:
        scheme: of the tags that a model learns; those of a table may be of any.
        decoder: tags says of each word what it is; crf also learns which tags follow each other;
            spans scores every stretch of words, so that entities may lie inside one another.
        label_smoothing: share of a label's mass that is spread over all labels.
    """

    scheme: Literal["BIO", "BIOES", "IO"] = "BIO"
    decoder: Literal["tags", "crf", "spans"] = "tags"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            got = self.label_smoothing
            raise ConfigError(f"--label-smoothing must be from 0 to below 1, got {got}")
        if self.label_smoothing and self.decoder != "tags":
            raise ConfigError("--label-smoothing is for --decoder tags alone")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How scores become entities.

    Attributes:
        temperature: what the scores of tags are divided by; above 0.
        threshold: of spans, the score above which one is an entity.
    """

    temperature: float = 1.0
    threshold: float = 0.0


CONFIG = KindConfig(
    name="token-classification",
    summary="which stretches of a text are what",
    roles=(*WORD_ROLES, *MARK_ROLES),
    shapes=(("tokens", "tags"), ("text", "entities")),
    options=Options,
    opens_as="AutoModelForTokenClassification",
)
