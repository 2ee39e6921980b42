"""What text regression can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.tasks.config import KindConfig
from glossator.text.records import Role

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
    roles=(
        Role(name="text", help="of the text", many=True),
        Role(name="text_pair", help="of a second text, read together with the first", many=True),
        Role(
            name="label",
            help="of what is to be learned: a label, a list of labels, or a number",
            target=True,
            usual=("labels",),
        ),
    ),
    shapes=(("text", "text_pair", "label"), ("text", "label")),
    options=Options,
    opens_as="AutoModelForSequenceClassification",
    named_only=True,
)
