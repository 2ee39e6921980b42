"""What a model that goes on with texts can be asked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from glossator.models.config import GenerationConfig
from glossator.tasks.config import KindConfig
from glossator.text.records import Role

__all__ = ["CONFIG", "GenerationAsks"]


@dataclass(frozen=True, kw_only=True)
class GenerationAsks:
    """How a language model goes on with texts.

    Attributes:
        max_new_tokens: tokens that are added at most.
        temperature: 0 takes the most probable token each time; else tokens are drawn, from
            probabilities that are flatter above 1 and sharper below, of the --top-k most probable
            ones alone where that is given.
        top_p: draw from the most probable tokens that have this probability together alone.
        beams: search for the most probable text with so many beginnings at once; not drawn.
        seed: of the drawing.
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    top_p: float = 1.0
    beams: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        self.config(None)

    def config(self, top_k: int | None) -> GenerationConfig:
        """With the --top-k of the whole command."""
        return GenerationConfig(**dataclasses.asdict(self), top_k=top_k or 0)


CONFIG = KindConfig(
    name="text-generation",
    summary="how a text goes on",
    roles=(Role(name="text", help="of the text", many=True),),
    asks=GenerationAsks,
    most={"beams": 16, "max_new_tokens": 4_096},
    opens_as="AutoModelForCausalLM",
)
