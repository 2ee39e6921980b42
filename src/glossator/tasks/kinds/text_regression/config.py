"""What text regression can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES, TEXT_SHAPES

__all__ = ["CONFIG", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How numbers are learned.

    Attributes:
        regression_loss: squared errors, or huber, which lets outliers weigh less.
    """

    regression_loss: Literal["squared", "huber"] = "squared"


CONFIG = KindConfig(
    name="text-regression",
    summary="which number a text has",
    roles=TEXT_ROLES,
    shapes=TEXT_SHAPES,
    options=Options,
    opens_as="AutoModelForSequenceClassification",
    named_only=True,
)
