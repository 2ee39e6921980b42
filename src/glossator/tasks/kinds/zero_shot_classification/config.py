"""What classification without training can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES

__all__ = ["CONFIG", "PLACE", "Asks"]

PLACE = "{}"
"""Where in a template the label goes."""


@dataclass(frozen=True, kw_only=True)
class Asks:
    """Which labels are asked for.

    Attributes:
        labels: which labels a text may have: `card,transfer`, each perhaps with a description
            (`lost card=the card is gone`); or a file of them: a .toml with `name = "description"`,
            a table with the columns label and description.
        examples: a table with a few labelled rows, on which the answers are calibrated.
        template: the sentence that a label stands in, `this is about {}`.
        multi_label: each label by itself, so that a text may have several, or none.
        prefix: what stands before each text and each label, such as "query: "; by default what
            the model folder says.
        label_separator: a cell of the right answers holds several labels with this between them.
    """

    labels: Any = None
    examples: Any = None
    template: str | None = None
    multi_label: bool | None = None
    prefix: str | None = None
    label_separator: str | None = None

    def __post_init__(self) -> None:
        if self.template is not None and self.template.count(PLACE) != 1:
            raise ConfigError(
                f"--template is {self.template!r:.60}; expected a sentence with {PLACE} once, "
                "where the label goes"
            )
        if self.label_separator == "":
            raise ConfigError("--label-separator is empty; expected what stands between labels")


CONFIG = KindConfig(
    name="zero-shot-classification",
    summary="which of some labels fits a text best, without training",
    roles=(TEXT_ROLES[0], TEXT_ROLES[2]),
    asks=Asks,
    keeps=("labels", "examples", "template", "multi_label", "prefix", "label_separator"),
    opens_as="AutoModel",
)
