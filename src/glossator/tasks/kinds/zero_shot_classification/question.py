"""What is asked of every text: the labels, how they are read, and how the answer is calibrated."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.errors import ConfigError
from glossator.tasks.kinds.zero_shot_classification.config import CONFIG, PLACE, Asks
from glossator.tasks.kinds.zero_shot_classification.examples import (
    Examples,
    examples_in,
    examples_of,
)
from glossator.tasks.kinds.zero_shot_classification.labels import (
    Label,
    Labels,
    labels_in,
    labels_of,
)

__all__ = ["Question"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every text.

    Attributes:
        labels: that it may have.
        template: the sentence that a label stands in; None: what suits the model.
        multi_label: whether each label is asked by itself.
        prefix: what stands before each text and each label; None: what the folder says.
        label_separator: between the labels of a cell; None: a cell holds one, or a list.
        examples: rows on which answers are calibrated; None: there are none, or they have done
            their work, and only what was learned of them is kept.
    """

    labels: Labels
    template: str | None = None
    multi_label: bool = False
    prefix: str | None = None
    label_separator: str | None = None
    examples: Examples | None = None

    def __post_init__(self) -> None:
        if len(self.labels) == 1 and not self.multi_label:
            raise ConfigError(
                f"--labels has one label, '{self.labels[0].name}', which every text would get; "
                "expected two or more (--multi-label says whether a text has it)"
            )

    @classmethod
    def of(cls, asks: Asks, before: Question | None) -> Question:
        """The question that wishes ask, the rest being as it was before.

        Raises:
            ConfigError: there are no labels, or a wish is malformed.
        """
        if asks.labels is None and before is None:
            raise ConfigError(
                f"{CONFIG.name} asks for --labels: which ones a text may have, such as "
                "--labels 'card,transfer=money was sent'"
            )
        given: dict[str, Any] = {
            name: value
            for name in ("template", "multi_label", "prefix", "label_separator")
            if (value := getattr(asks, name)) is not None
        }
        if asks.labels is not None:
            # A path can be given by who has this machine alone; a text may come from anywhere.
            read = labels_in if isinstance(asks.labels, Path) else labels_of
            given["labels"] = read(asks.labels)
            if before is not None and given["labels"] != before.labels:
                given["examples"] = None  # they were of other labels
        if asks.examples is not None:
            look = examples_in if isinstance(asks.examples, Path) else examples_of
            given["examples"] = look(asks.examples, {}, asks.label_separator)
        return cls(**given) if before is None else dataclasses.replace(before, **given)

    def sentences(self, usual: str) -> list[str]:
        """Each label as it stands in the template; `usual` is that of the model."""
        template = usual if self.template is None else self.template
        return [template.replace(PLACE, label.text) for label in self.labels]

    @property
    def is_chinese(self) -> bool:
        """Whether most labels are written in Chinese."""
        return 2 * sum(map(_has_han, (label.text for label in self.labels))) > len(self.labels)

    def to_json(self) -> dict[str, Any]:
        """As a folder holds it, without the examples."""
        return {
            "labels": {label.name: label.description for label in self.labels},
            "template": self.template,
            "multi_label": self.multi_label,
            "prefix": self.prefix,
            "label_separator": self.label_separator,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Question:
        """What `to_json` gave."""
        labels = Labels.of(Label(name, text) for name, text in saved["labels"].items())
        return cls(**{**saved, "labels": labels})


def _has_han(text: str) -> bool:
    return any(unicodedata.name(char, "").startswith("CJK UNIFIED") for char in text)
