"""What text classification can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES, TEXT_SHAPES

__all__ = ["CONFIG", "Decision", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How labels are read and learned.

    Attributes:
        label_separator: a cell holds several labels with this between them.
        label_smoothing: share of a label's mass that is spread over all labels.
        focal_gamma: above 0, rows that are already right count less.
        class_weights: `auto` lets each class weigh alike, however rare.
        precision_goal: of several labels a row, the share of those answered that should be right;
            None answers those with the best F1.
    """

    label_separator: str | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: Literal["none", "auto"] = "none"
    precision_goal: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            got = self.label_smoothing
            raise ConfigError(f"--label-smoothing must be from 0 to below 1, got {got}")
        if self.focal_gamma < 0:
            raise ConfigError(f"--focal-gamma must be 0 or more, got {self.focal_gamma}")
        if self.focal_gamma and self.label_smoothing:
            raise ConfigError("--focal-gamma and --label-smoothing exclude each other")
        goal = self.precision_goal
        if goal is not None and not 0 < goal <= 1:
            raise ConfigError(f"--precision-goal must be above 0, at most 1, got {goal}")
        if self.label_separator == "":
            raise ConfigError("--label-separator is empty; expected what stands between labels")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become a label.

    Attributes:
        temperature: logits are divided by it; above 0.
        threshold: with two classes, the probability above which it is the second; None: 0.5.
    """

    temperature: float = 1.0
    threshold: float | None = None


CONFIG = KindConfig(
    name="text-classification",
    summary="which label a text has, or which of several",
    roles=TEXT_ROLES,
    shapes=TEXT_SHAPES,
    options=Options,
    opens_as="AutoModelForSequenceClassification",
)
