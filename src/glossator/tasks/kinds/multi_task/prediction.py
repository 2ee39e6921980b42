"""The answers of several tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glossator.tasks.prediction import Prediction

__all__ = ["TaskAnswer", "TaskAnswers"]


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """The answer of the task that a row names.

    Attributes:
        task: its name.
        answer: as the task gives it.
    """

    task: str
    answer: Prediction

    @property
    def n_tokens(self) -> int:
        """See `Prediction`."""
        return self.answer.n_tokens

    @property
    def windows(self) -> int:
        """See `Prediction`."""
        return self.answer.windows

    def to_json(self) -> dict[str, Any]:
        """As of several tasks of which one answers."""
        return TaskAnswers({self.task: self.answer}).to_json()


@dataclass(frozen=True, slots=True)
class TaskAnswers:
    """The answers of all tasks whose columns a row has.

    Attributes:
        answers: by the names of the tasks.
    """

    answers: dict[str, Prediction]

    @property
    def n_tokens(self) -> int:
        """The most that a task reads of the row, see `Prediction`."""
        return max(answer.n_tokens for answer in self.answers.values())

    @property
    def windows(self) -> int:
        """The most in which a task reads the row."""
        return max(answer.windows for answer in self.answers.values())

    def __getitem__(self, task: str) -> Prediction:
        return self.answers[task]

    def to_json(self) -> dict[str, Any]:
        """See `Prediction`."""
        answers = {name: answer.to_json() for name, answer in self.answers.items()}
        return {"tasks": answers, "n_tokens": self.n_tokens, "windows": self.windows}
