"""Text classification: any number of labels a text."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.figures import Words
from glossator.evaluation.label_thresholds import (
    choose_thresholds,
    decide_labels,
    fit_binary_temperature,
)
from glossator.tasks.kinds.text_classification.common import LabelTask
from glossator.tasks.kinds.text_classification.config import Options
from glossator.tasks.kinds.text_classification.prediction import LabelScore, LabelsPrediction
from glossator.tasks.kinds.text_classification.several_figures import MEASURES, words
from glossator.tasks.kinds.text_classification.several_scores import LabelsScores
from glossator.tasks.kinds.text_classification.values import checked
from glossator.tasks.learnable import ArraySpec, Batch, Encoded
from glossator.tasks.losses import binary_cross_entropy
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import Arrays
from glossator.text.records import Record

__all__ = ["SeveralDecision", "SeveralLabels"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeveralDecision:
    """How logits become labels.

    Attributes:
        temperature: logits are divided by it; above 0.
        thresholds: for each label the probability above which a text has it; empty: 0.5.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()


class SeveralLabels(LabelTask):
    """Any number of labels a text, none too.

    The arguments are those of `LabelTask`.

    Attributes:
        decision: how logits become labels.
        positive_weights: (C,) factor of the rows that have a label, while it is trained.
    """

    specs = (ArraySpec("label", "text", np.float32),)
    problem_type = "multi_label_classification"
    measures = MEASURES
    chosen_by = ("micro_f1", "log_loss")
    decision = SeveralDecision()
    positive_weights: Tensor | None = None

    @classmethod
    def learn(
        cls, records: Sequence[Record], base: Base, options: Options, column: str = "label"
    ) -> Self:
        """The task of training rows, each with its labels."""
        task = cls.of(records, base, options, column)
        if options.class_weights == "auto":
            counts = torch.from_numpy(task.targets(records).sum(axis=0)).float()
            task.positive_weights = (len(records) - counts) / counts.clamp(min=1)
        return task

    def targets(self, records: Sequence[Record]) -> NDArray[np.bool_]:
        """(N, C) whether a row has a label; what training has not is left out."""
        found = np.zeros((len(records), len(self.labels)), np.bool_)
        for row, record in zip(found, records, strict=True):
            row[[self._place[x] for x in record.target or () if x in self._place]] = True
        return found

    def _arrays(self, record: Record) -> Arrays:
        return (self.targets([record])[0].astype(np.float32),)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum over rows of the mean over labels, and the sum of the weights."""
        logits = model(batch.inputs)
        weights = self.positive_weights
        losses = binary_cross_entropy(
            logits,
            batch.arrays["label"],
            positive_weights=None if weights is None else weights.to(logits.device),
            label_smoothing=self.options.label_smoothing,
        )
        return (losses * batch.weights).sum(), batch.weights.sum()

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probability of each label by itself."""
        if not len(answers):
            return np.zeros((0, len(self.labels)))
        logits = np.stack(answers).astype(np.float64) / self.decision.temperature
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))  # no overflow, whatever the logit

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """(C,) the probability above which a text has a label."""
        given = self.decision.thresholds
        return np.array(given) if given else np.full(len(self.labels), 0.5)

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.bool_]:
        """(N, C) the labels decided on."""
        return decide_labels(probabilities, self.thresholds)

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """Share of N rows with exactly the labels decided on."""
        chosen = self.chosen(self.probabilities(answers))
        found = [{self.values[i] for i in np.flatnonzero(row)} for row in chosen]
        right = [{checked(label, self.values) for label in labels} for labels in targets]
        return float(np.mean([x == y for x, y in zip(right, found, strict=True)]))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Temperature and a threshold a label, from dev rows."""
        targets = self.targets(records)
        temperature = fit_binary_temperature(np.stack(answers), targets).value
        task = copy.copy(self)
        task.decision = SeveralDecision(temperature=temperature)
        chances = task.probabilities(answers)
        found = choose_thresholds(chances, targets, precision=self.options.precision_goal)
        thresholds = tuple(float(x) for x in found)
        task.decision = SeveralDecision(temperature=temperature, thresholds=thresholds)
        return task

    def restored(self, decision: Mapping[str, Any]) -> Self:
        """The same task with a decision that was saved."""
        task = copy.copy(self)
        given = {**decision, "thresholds": tuple(decision.get("thresholds", ()))}
        task.decision = SeveralDecision(**given)
        return task

    def decode(self, record: Record, row: Encoded, answer: Answer) -> LabelsPrediction:
        """The labels decided on, the most probable first."""
        chances = self.probabilities([answer])
        chosen, chance = self.chosen(chances)[0], chances[0]
        order = [i for i in np.argsort(-chance, kind="stable") if chosen[i]]
        return LabelsPrediction(
            labels=tuple(LabelScore(self.values[i], float(chance[i])) for i in order),
            n_tokens=row.n_tokens,
            windows=row.windows,
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> LabelsScores:
        """See `Task`."""
        return LabelsScores(self, intervals=intervals, paired=paired)

    def words(self) -> Words:
        """See `Task`."""
        return words(self.labels, temperature=self.decision.temperature, pair=self.pair)

    def saved(self) -> dict[str, Any]:
        """See `Task`; the labels are in `config.json`."""
        return {
            "learned": self.learned,
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }
