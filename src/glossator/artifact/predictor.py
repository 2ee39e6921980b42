"""The Predictor: the answers of a classifier."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from glossator.artifact.folder import Details
from glossator.artifact.opened import TOKEN_BUDGET, Opened
from glossator.errors import InputError
from glossator.models.config import RuntimeConfig
from glossator.models.heads import SequenceClassifier
from glossator.tasks.answers import answer_rows
from glossator.tasks.learnable import Example, Logits
from glossator.tasks.prediction import Prediction
from glossator.tasks.text_classification import Decision, TextClassification

__all__ = ["Answers", "Predictor"]


class Answers(Sequence[Prediction]):
    """The answers for N texts, in order; predictions are made when they are looked at.

    Attributes:
        task: what decides on a label.
        logits: (N, C), before temperature.
        probabilities: (N, C), calibrated.
    """

    def __init__(
        self,
        task: TextClassification,
        logits: Logits,
        rows: Sequence[Sequence[Example]],
        top_k: int,
    ):
        self.task, self.logits = task, logits
        self.probabilities = task.probabilities(logits)
        self._rows, self._top_k = rows, top_k

    def __len__(self) -> int:
        return len(self.logits)

    @overload
    def __getitem__(self, number: int) -> Prediction: ...
    @overload
    def __getitem__(self, number: slice) -> Answers: ...

    def __getitem__(self, number: int | slice) -> Prediction | Answers:
        if isinstance(number, slice):
            return Answers(self.task, self.logits[number], self._rows[number], self._top_k)
        row = self._rows[number]
        tokens = row[-1].span[1]
        return self.task.decode(self.logits[number], tokens, len(row), self._top_k)

    def decided_by(self, task: TextClassification) -> Answers:
        """The same logits, decided on anew."""
        return Answers(task, self.logits, self._rows, self._top_k)


class Predictor(Opened):
    """A model that answers, with the habits of a scikit-learn classifier.

    Made by `glossator.fit` and `glossator.load`.

    Args:
        model: in float32, on the CPU.
        task: its task.
        details: what the model folder says.
        runtime: where to run it.

    Attributes:
        notes: what a user of the model should know.
    """

    def __init__(
        self,
        model: SequenceClassifier,
        task: TextClassification,
        details: Details,
        runtime: RuntimeConfig | None = None,
    ):
        super().__init__(model, task, details, runtime)
        self.model, self.task = model, task

    @property
    def classes_(self) -> NDArray[np.str_]:
        """(C,) the labels, in the order of the columns of `predict_proba`."""
        return np.array(self.task.labels)

    def predict(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Prediction]:
        """The answers for N texts, in order.

        Args:
            texts: N texts of any length; a long one is read in windows, and its answer says so.
            top_k: how many labels each answer lists.
            progress: is told how many windows were answered since the last call.

        Raises:
            InputError: `texts` is a single string.
            TextError: a text is no string, or holds a lone surrogate.
        """
        return list(self.answers(texts, top_k=top_k, progress=progress))

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities; the columns are `classes_`."""
        return self.answers(texts).probabilities

    def score(self, texts: Sequence[str], labels: Sequence[str]) -> float:
        """Share of the N texts that get their label, from 0 to 1.

        Raises:
            InputError: there are no texts, another number of labels than of texts, or a label
                is no string, as which every label is learned.
        """
        if not len(texts) or len(texts) != len(labels):
            raise InputError(
                f"expected as many labels as texts, got {len(labels)} and {len(texts)}"
            )
        for label in labels:
            _refuse_no_string(label)
        hits = [a.label == label for a, label in zip(self.predict(texts), labels, strict=True)]
        return sum(hits) / len(hits)

    def answers(
        self,
        texts: Sequence[str],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Answers:
        """As `predict`, with logits and probabilities beside the predictions."""
        if isinstance(texts, str):
            raise InputError("expected a list of texts, got a single string; put it in a list")
        return self.answer_examples(self.task.encode(texts), top_k=top_k, progress=progress)

    def answer_examples(
        self,
        rows: Sequence[Sequence[Example]],
        *,
        top_k: int = 3,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Answers:
        """As `answers`, for texts that the task has encoded."""
        if not rows:
            empty = np.zeros((0, len(self.task.labels)), dtype=np.float32)
            return Answers(self.task, empty, rows, top_k)
        with self._ready():
            logits = answer_rows(
                self.task,
                self.model,
                rows,
                token_budget=TOKEN_BUDGET,
                device=self.device,
                alone=self.runtime.precision == "exact",
                progress=progress,
            )
        return Answers(self.task, logits, rows, top_k)

    def use(self, decision: Decision) -> None:
        """Decide by another temperature and threshold from now on; `save` writes them."""
        self.task.decision = decision
        self.details = dataclasses.replace(self.details, decision=decision)


def _refuse_no_string(label: object) -> None:
    """A label of another type equals none of the model's, and would count as wrong in silence."""
    if not isinstance(label, str):
        kind = type(label).__name__
        raise InputError(f"label {label!r} is of type {kind}; expected a string")
