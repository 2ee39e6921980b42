"""What text ranking can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES

__all__ = ["CONFIG", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an order is learned.

    Attributes:
        ranking_loss: of all candidates of a query together, of each two of them, or of each alone.
    """

    ranking_loss: Literal["listwise", "pairwise", "pointwise"] = "listwise"


CONFIG = KindConfig(
    name="text-ranking",
    summary="how well a text answers a query",
    roles=TEXT_ROLES,
    shapes=(("text", "text_pair", "label"),),
    options=Options,
    opens_as="AutoModelForSequenceClassification",
    named_only=True,
)
