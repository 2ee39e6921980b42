"""What a run has to say for itself, in plain values: the source of report.html and the model card.

The report goes to the run's own folder and may show texts; the model card takes only counts,
scores and label names from the same object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.confusion import ClassScore
from glossator.evaluation.thresholds import ThresholdCurve

__all__ = [
    "Calibration",
    "DataFile",
    "Evaluation",
    "Finding",
    "Learning",
    "Lengths",
    "Mistake",
    "RateCurve",
    "Report",
    "RowCounts",
    "Scores",
]


class Finding(Protocol):
    """What preflight found; `text.preflight.Finding` is one."""

    @property
    def severity(self) -> str:
        """`error`, `warning` or anything milder."""

    @property
    def message(self) -> str:
        """What was found, and what was done or is to do."""

    @property
    def examples(self) -> Sequence[Any]:
        """A few cases, shown as text."""


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A table that was read: its name, its rows and the SHA-256 of its bytes."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """Where the rows went: `read = used + rejected` and `used = train + dev + test`."""

    read: int
    used: int
    rejected: int
    train: int
    dev: int
    test: int


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores on the dev rows after a step, by the names of `classification_metrics`."""

    step: int
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """The losses of a learning-rate range test.

    Args:
        rates: `(S,)` learning rates, rising, at least one.
        losses: `(S,)` loss after the step with each.
        smoothed: `(S,)` the same without the noise of batches.
        chosen: the rate that was trained with, or None where the test found none.
        note: what was chosen and why, in a sentence.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    chosen: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How training went.

    Args:
        summary: the `train` object of `fit --json`: seconds, epochs, steps, examples_per_second,
            tokens_per_second, best_step.
        steps: `(S,)` step numbers, from 1.
        losses: `(S,)` mean loss of each step.
        evaluations: in the order they were made.
        chosen_by: the metric that picked the best step, one of those in `evaluations`.
        finished: false where the run was interrupted.
        rate_curve: of the range test before it, if there was one.
    """

    summary: Mapping[str, float]
    steps: Sequence[int] = ()
    losses: Sequence[float] = ()
    evaluations: Sequence[Evaluation] = ()
    chosen_by: str = "accuracy"
    finished: bool = True
    rate_curve: RateCurve | None = None


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer: the text, both labels, the probability of the answer, and where it stood."""

    text: str
    gold: str
    predicted: str
    score: float
    source: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How good the answers are.

    Args:
        dev: what `classification_metrics` gave for the rows that chose the settings.
        test: the same for rows that the run never looked at, or None where there are none.
        classes: scores of each class, on test where there is a test set, else on dev.
        confusion: `(C, C)` counts of the same rows, gold class down; None to leave it out.
        mistakes: of the same rows, worst (surest) first.
    """

    dev: Mapping[str, Any]
    test: Mapping[str, Any] | None
    classes: Sequence[ClassScore]
    confusion: NDArray[np.int64] | None = None
    mistakes: Sequence[Mistake] = ()

    @property
    def best(self) -> Mapping[str, Any]:
        """The scores to be judged by: test, or dev where there is none."""
        return self.dev if self.test is None else self.test

    @property
    def split(self) -> str:
        """`test` or `dev`: the rows behind `best`, `classes` and `mistakes`."""
        return "dev" if self.test is None else "test"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How true the probabilities are.

    Args:
        temperature: what the logits are divided by (> 0).
        before: reliability without it, on the rows of `Scores.split`.
        after: reliability with it, on the same rows.
        threshold: with two classes, the probability that the second must pass.
        curve: with two classes, precision and recall of the second at each threshold.
    """

    temperature: float
    before: Reliability
    after: Reliability
    threshold: float | None = None
    curve: ThresholdCurve | None = None


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How long the texts are.

    Args:
        tokens: tokens of each used text, with special tokens; a sample will do.
        limit: tokens that the model reads at once.
        windowed: texts longer than that, read in several windows.
    """

    tokens: Sequence[int]
    limit: int
    windowed: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that `report.html` and the model card say.

    Args:
        name: of the model folder, as it was given to `--output`.
        task: such as `text-classification`.
        base_model: what was fine-tuned.
        created: date and time, ISO 8601.
        command: as it was typed, or the Python call.
        versions: of Python and the packages that matter, and the machine, by name.
        files: the tables that were read.
        columns: which column was read as what, such as `{"text": "message"}`.
        rows: where the rows went.
        rejected_file: where the rejected rows are written, or empty.
        findings: of preflight, in the order to be shown.
        scores: how good the answers are.
        learning: how training went.
        calibration: how true the probabilities are, or None where none was fitted.
        lengths: how long the texts are, or None.
        settings: every option of the run with its value.
    """

    name: str
    task: str
    base_model: str
    created: str
    command: str
    versions: Mapping[str, str]
    files: Sequence[DataFile]
    columns: Mapping[str, str]
    rows: RowCounts
    scores: Scores
    learning: Learning
    rejected_file: str = ""
    findings: Sequence[Finding] = ()
    calibration: Calibration | None = None
    lengths: Lengths | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, in the model's order."""
        return [score.label for score in self.scores.classes]
