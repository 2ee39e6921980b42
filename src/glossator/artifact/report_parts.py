"""What a run has to say for itself, in plain values: the source of report.html and the model card.

The report goes to the run's own folder and may show texts; the model card takes names and figures
alone from the same object. What the task has to show is in sections, and what is said of it in
words: nothing here knows which task it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from glossator.artifact.recipe import RecipeTold
from glossator.artifact.refit import Refit
from glossator.evaluation.figures import Measure, Section, Words

__all__ = [
    "UNSCORED",
    "DataFile",
    "Evaluation",
    "Finding",
    "Learning",
    "Lengths",
    "RateCurve",
    "Report",
    "RowCounts",
]


UNSCORED = "No rows were held out: how well it answers is not known."


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

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it with `--json`."""


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
    """Scores on the dev rows after a step, by the names of the task's measures."""

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
        finished: false where the run was interrupted.
        planned: steps that were to be taken at most.
        ended_by: `steps` where all were taken, `time`, `patience` or `interrupt`.
        rate_curve: of the range test before it, if there was one.
    """

    summary: Mapping[str, float]
    steps: Sequence[int] = ()
    losses: Sequence[float] = ()
    evaluations: Sequence[Evaluation] = ()
    finished: bool = True
    planned: int = 0
    ended_by: str = "steps"
    rate_curve: RateCurve | None = None


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
        task: the name of what was learned.
        base_model: what was fine-tuned.
        created: date and time, ISO 8601.
        command: as it was typed, or the Python call.
        versions: of Python and the packages that matter, and the machine, by name.
        files: the tables that were read.
        columns: which column was read as what, such as `{"text": "message"}`.
        rows: where the rows went.
        dev: scores of the rows that chose the settings, by the names of `measures`.
        test: the same for rows that the run never looked at, or None where there are none.
        measures: what is told of them, in order; the first four with a value stand out.
        chosen_by: the one that picked the best step.
        sections: what the task has to show of the rows of `split`.
        remarks: what has to be known of the answers to these rows before their scores.
        words: what is said of the task.
        learning: how training went.
        refit: what became of a second training, from all rows; None where none was asked for.
        recipe: by which it was trained, where that was measured or asked for.
        rejected_file: where the rejected rows are written, or empty.
        findings: of preflight, in the order to be shown.
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
    dev: Mapping[str, Any]
    test: Mapping[str, Any] | None
    measures: Sequence[Measure]
    chosen_by: Measure
    sections: Sequence[Section]
    words: Words
    learning: Learning
    refit: Refit | None = None
    recipe: RecipeTold | None = None
    rejected_file: str = ""
    findings: Sequence[Finding] = ()
    remarks: Sequence[Finding] = ()
    lengths: Lengths | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def split(self) -> str:
        """`test`, or `dev` where there are no test rows, or empty: the rows to judge by."""
        if self.test is not None:
            return "test"
        return "dev" if self.dev else ""

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.learning.finished and not (self.refit and self.refit.interrupted)

    @property
    def ended(self) -> str:
        """Why training was over before all steps were taken; empty where it was not."""
        why = {
            "time": "the time limit ended it",
            "patience": "the dev scores got no better",
        }.get(self.learning.ended_by)
        taken, planned = len(self.learning.steps), self.learning.planned
        return f"{why} after {taken:,} of {planned:,} steps" if why else ""

    @property
    def interrupted(self) -> str:
        """That the run was cut short and after how many steps; empty where it was not."""
        if self.finished:
            return ""
        if self.learning.finished:
            return "The run was interrupted while the model was refitted on all rows."
        taken, planned = len(self.learning.steps), self.learning.planned
        weights = "best so far" if self.learning.evaluations else "last, and were never chosen"
        return (
            f"The run was interrupted after {taken:,} of {planned:,} steps. "
            f"Its weights are the {weights}."
        )

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The scores of these rows; empty where there are none."""
        return self.dev if self.test is None else self.test

    @property
    def scored(self) -> int:
        """How many these rows are."""
        return self.rows.dev if self.test is None else self.rows.test
