"""What text classification can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from glossator.errors import ConfigError
from glossator.tasks.config import KindConfig
from glossator.tasks.kinds.text_roles import TEXT_ROLES, TEXT_SHAPES

__all__ = ["CONFIG", "Decision", "Options", "ScopeDecision"]


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
        out_of_scope: how a text is told that belongs to no class; `auto` takes the rule that tells
            best on dev, none gives every text a label.
        out_of_scope_label: of rows that belong to no class; they choose the rule, and are scored.
        in_scope_kept: share of dev rows that belong to a class and still get an answer.
        coverage: how often the set of labels that is answered should hold the right one; a text
            whose set is not a single label gets none.
    """

    label_separator: str | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: Literal["none", "auto"] = "none"
    precision_goal: float | None = None
    out_of_scope: Literal["none", "auto", "softmax", "energy", "mahalanobis", "neighbours"] = "none"
    out_of_scope_label: str | None = None
    in_scope_kept: float = 0.95
    coverage: float | None = None

    @property
    def scoped(self) -> bool:
        """Whether texts may belong to no class."""
        return self.out_of_scope != "none" or self.out_of_scope_label is not None

    @property
    def single_only(self) -> str:
        """The option that is given and suits one label a row alone; empty: none is."""
        if self.scoped:
            return "--out-of-scope"
        return "" if self.coverage is None else "--coverage"

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
        if not 0 < self.in_scope_kept < 1:
            got = self.in_scope_kept
            raise ConfigError(f"--in-scope-kept must be above 0 and below 1, got {got}")
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ConfigError(
                f"--coverage must be above 0 and below 1, got {self.coverage:g}; only a set of all "
                "labels is right every time"
            )
        if self.label_separator == "":
            raise ConfigError("--label-separator is empty; expected what stands between labels")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How logits become a label.

    Attributes:
        temperature: logits are divided by it; above 0.
        threshold: with two classes, the probability above which it is the second; None: 0.5.
        least: the probability from which on a label is in the set; None: sets are not answered.
    """

    temperature: float = 1.0
    threshold: float | None = None
    least: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScopeDecision(Decision):
    """How it is told besides that a text belongs to no class.

    Attributes:
        rule: what is measured, see `evaluation.out_of_scope`.
        cut: the number above which a text is out of scope.
        softness: how far apart the numbers of rows that belong lie; above 0.
        told_by: AUROC of each rule on the dev rows, from 0 to 1.
        kept_shapes: of the arrays that the rule asks for, by name.
    """

    rule: str = "softmax"
    cut: float = 1.0
    softness: float = 1.0
    told_by: Mapping[str, float] = field(default_factory=dict)
    kept_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)


CONFIG = KindConfig(
    name="text-classification",
    summary="which label a text has, or which of several",
    roles=TEXT_ROLES,
    shapes=TEXT_SHAPES,
    options=Options,
    opens_as="AutoModelForSequenceClassification",
)
