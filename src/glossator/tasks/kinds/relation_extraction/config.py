"""What relation extraction can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG", "Decision", "Options", "RelationAsks"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How relations are read and learned.

    Attributes:
        no_relation: the relation that says that there is none, which F1 leaves out; by default one
            of the usual names, such as Other or no_relation, and '' says that there is none.
        class_weights: `auto` lets each class weigh alike, however rare.
        label_smoothing: share of a label's mass that is spread over all labels.
    """

    no_relation: str | None = None
    class_weights: Literal["none", "auto"] = "none"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            got = self.label_smoothing
            raise ConfigError(f"--label-smoothing must be from 0 to below 1, got {got}")


@dataclass(frozen=True, kw_only=True)
class RelationAsks:
    """What is asked of the relations of a text.

    Attributes:
        entities: a model folder that finds the entities of a text, from Python the loaded model;
            each pair of them is asked, and the answer lists the relations that there are.
    """

    entities: Any = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become probabilities: they are divided by `temperature`, which is above 0."""

    temperature: float = 1.0


CONFIG = KindConfig(
    name="relation-extraction",
    summary="which relation two marked pieces of a text have",
    roles=(
        Role(name="text", help="of the text", many=True),
        Role(name="head", help="of the first of two pieces of the text: it, or {start, end}"),
        Role(name="tail", help="of the second of two pieces of the text"),
        Role(name="relation", help="of the relation of head and tail", target=True),
    ),
    shapes=(("text", "head", "tail", "relation"), ("text", "relation")),
    options=Options,
    asks=RelationAsks,
    models=("entities",),
    opens_as="AutoModel",
)
