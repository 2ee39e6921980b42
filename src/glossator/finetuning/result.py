"""What a fine-tuning run came to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.artifact.predictor import Predictor
from glossator.artifact.report import Report
from glossator.artifact.report_parts import RowCounts

__all__ = ["FitResult"]


@dataclass(frozen=True)
class FitResult:
    """What a run came to.

    Attributes:
        predictor: answers with the trained model.
        model: the model folder, if one was written.
        run: the run folder, if one was written.
        task: name of the task.
        rows: where the rows went.
        train: seconds (of the loop alone), epochs, steps, examples and tokens a second, best step.
        dev: scores of the rows that the best step was chosen on, or None.
        test: scores of rows that were never looked at, or None.
        report: all of it.
        finished: false where the run was interrupted, also in its second training.
    """

    predictor: Predictor
    model: Path | None
    run: Path | None
    task: str
    rows: RowCounts
    train: Mapping[str, float]
    dev: Mapping[str, Any] | None
    test: Mapping[str, Any] | None
    report: Report
    finished: bool

    def to_json(self) -> dict[str, Any]:
        """The object that `fit --json` prints."""
        remarks = [finding.to_json() for finding in self.report.remarks]
        found = {"findings": remarks} if remarks else {}
        refit = {"refit": self.report.refit.to_json()} if self.report.refit else {}
        recipe = {"recipe": self.report.recipe.to_json()} if self.report.recipe else {}
        return {
            **found,
            "model": None if self.model is None else str(self.model),
            "task": self.task,
            "finished": self.finished,
            "rows": dataclasses.asdict(self.rows),
            "train": {**self.train, "ended_by": self.report.learning.ended_by, **recipe, **refit},
            "dev": self.dev,
            "test": self.test,
        }
