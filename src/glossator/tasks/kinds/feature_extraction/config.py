"""What feature extraction can be told and asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES
from glossator.text.records import Role

__all__ = ["CONFIG", "Asks", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How texts become vectors.

    Attributes:
        pooling: what stands for a text: the mean over its tokens, its first token or its last
            one; auto is what the model folder says, else the mean.
        normalize: whether vectors have the length 1.
        contrast_temperature: what cosines are divided by while vectors learn; above 0.
        prefix: what stands before each text, such as "query: ".
        pair_prefix: what stands before each text that is to be found, such as "passage: ".
    """

    pooling: Literal["auto", "mean", "cls", "last"] = "auto"
    normalize: bool = True
    contrast_temperature: float = 0.05
    prefix: str = ""
    pair_prefix: str = ""

    def __post_init__(self) -> None:
        if not self.contrast_temperature > 0:
            got = self.contrast_temperature
            raise ConfigError(f"contrast_temperature is {got}; expected a number above 0")


@dataclass(frozen=True, kw_only=True)
class Asks:
    """What is wanted of vectors.

    Attributes:
        document: whether the texts are documents to be found, which have a prefix of their own.
        prefix: what stands before each text, such as "query: "; by default what the model folder
            says.
        pair_prefix: what stands before each text that is a document, such as "passage: "; by
            default what the model folder says.
    """

    document: bool = False
    prefix: str | None = None
    pair_prefix: str | None = None


CONFIG = KindConfig(
    name="feature-extraction",
    summary="a vector that says what a text means",
    roles=(
        *TEXT_ROLES,
        Role(name="negative", help="of a text that is like the right one and wrong", many=True),
    ),
    shapes=(
        ("text", "text_pair", "negative"),
        ("text", "text_pair", "label"),
        ("text", "text_pair"),
        ("text", "label"),
        ("text",),
    ),
    options=Options,
    asks=Asks,
    keeps=("prefix", "pair_prefix"),
    opens_as="AutoModel",
    named_only=True,
)
