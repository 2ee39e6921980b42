"""Text classification: one label a text, out of two or of thousands."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.calibration import fit_temperature, softmax
from glossator.evaluation.figures import Words
from glossator.evaluation.thresholds import choose_threshold, decide
from glossator.tasks.kinds.text_classification.common import LabelTask
from glossator.tasks.kinds.text_classification.config import CONFIG, Decision, Options
from glossator.tasks.kinds.text_classification.figures import MEASURES, words
from glossator.tasks.kinds.text_classification.prediction import LabelPrediction, LabelScore
from glossator.tasks.kinds.text_classification.reading import LabelReader
from glossator.tasks.kinds.text_classification.scores import LabelScores
from glossator.tasks.kinds.text_classification.several import SeveralLabels
from glossator.tasks.kinds.text_classification.values import checked, values_of
from glossator.tasks.learnable import ArraySpec, Batch, Encoded
from glossator.tasks.losses import balanced_weights, cross_entropy, focal_loss
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import Arrays, single
from glossator.text.records import Columns, Record

__all__ = ["KIND", "OneLabel", "TextClassification"]


class OneLabel(LabelTask):
    """One label a text.

    The arguments are those of `LabelTask`.

    Attributes:
        decision: how logits become a label.
        class_weights: (C,) factor of a row by its class, while it is trained.
    """

    specs = (ArraySpec("label", "text"),)
    problem_type = "single_label_classification"
    measures = MEASURES
    # Of equal accuracies, which small dev sets have many of, the loss tells.
    chosen_by = ("accuracy", "log_loss")
    decision = Decision()
    class_weights: Tensor | None = None

    @classmethod
    def learn(
        cls, records: Sequence[Record], base: Base, options: Options, column: str = "label"
    ) -> Self:
        """The task of training rows, each with one label."""
        task = cls.of(records, base, options, column)
        if options.class_weights == "auto":
            counts = np.bincount(task.targets(records), minlength=len(task.labels))
            task.class_weights = balanced_weights(torch.from_numpy(counts).float())
        return task

    def targets(self, records: Sequence[Record]) -> NDArray[np.int64]:
        """(N,) the class of each row; -1 for a label that training has not."""
        return np.array([self._place.get(record.target, -1) for record in records], np.int64)

    def _arrays(self, record: Record) -> Arrays:
        return (single(self._place.get(record.target, -1)),)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum of the losses, and the sum of the weights."""
        logits, targets = model(batch.inputs), batch.arrays["label"]
        class_weights = self.class_weights
        if class_weights is not None:
            class_weights = class_weights.to(logits.device)
        if gamma := self.options.focal_gamma:
            losses = focal_loss(logits, targets, gamma=gamma, class_weights=class_weights)
        else:
            losses = cross_entropy(
                logits,
                targets,
                class_weights=class_weights,
                label_smoothing=self.options.label_smoothing,
            )
        counts = batch.weights
        if class_weights is not None:
            counts = counts * class_weights[targets]
        return (losses * batch.weights).sum(), counts.sum()

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""
        if not len(answers):
            return np.zeros((0, len(self.labels)))
        return softmax(np.stack(answers), self.decision.temperature)

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) the class decided on, from (N, C) probabilities."""
        return decide(probabilities, self.decision.threshold)

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """See `Probabilities`."""
        right = [checked(label, self.values) for label in targets]
        chosen = self.chosen(self.probabilities(answers))
        return float(np.mean([self.values[i] == x for i, x in zip(chosen, right, strict=True)]))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Temperature, and with two classes the threshold, from dev rows."""
        targets = self.targets(records)
        known = targets >= 0
        logits, targets = np.stack(answers)[known], targets[known]
        temperature = fit_temperature(logits, targets).value
        if len(self.labels) != 2 or len(set(targets.tolist())) < 2:
            return self.deciding(Decision(temperature=temperature))
        chosen = choose_threshold(softmax(logits, temperature)[:, 1], targets).threshold
        threshold = None if chosen == 0.5 else chosen
        return self.deciding(Decision(temperature=temperature, threshold=threshold))

    def deciding(self, decision: Decision) -> Self:
        """The same task with another decision."""
        task = copy.copy(self)
        task.decision = decision
        return task

    def restored(self, decision: Mapping[str, Any]) -> Self:
        """The same task with a decision that was saved."""
        return self.deciding(Decision(**decision))

    def decode(self, record: Record, row: Encoded, answer: Answer) -> LabelPrediction:
        """The label decided on, and the `top_k` most probable ones."""
        chances = self.probabilities([answer])
        chosen, chance = int(self.chosen(chances)[0]), chances[0]
        best = np.argsort(-chance, kind="stable")[: self.top_k]
        return LabelPrediction(
            label=self.values[chosen],
            score=float(chance[chosen]),
            labels=tuple(LabelScore(self.values[i], float(chance[i])) for i in best),
            n_tokens=row.n_tokens,
            windows=row.windows,
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> LabelScores:
        """See `Task`."""
        return LabelScores(self, intervals=intervals, paired=paired)

    def words(self) -> Words:
        """See `Task`."""
        decision = self.decision
        return words(
            self.labels,
            temperature=decision.temperature,
            threshold=decision.threshold,
            pair=self.pair,
        )

    def saved(self) -> dict[str, Any]:
        """See `Task`; the labels are in `config.json`."""
        return {
            "learned": self.learned,
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


class TextClassification:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> LabelReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return LabelReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> OneLabel | SeveralLabels:
        """One label a row, or several where a row has a list."""
        several = any(isinstance(record.target, tuple) for record in records)
        (column,) = columns["label"]
        return (SeveralLabels if several else OneLabel).learn(records, base, options, column)

    def restore(
        self, base: Base, saved: Mapping[str, Any] | None
    ) -> OneLabel | SeveralLabels | None:
        """See `TaskKind`."""
        problem = _problem_of(base)
        if saved is None and problem is None:
            return None
        cls = SeveralLabels if problem == SeveralLabels.problem_type else OneLabel
        found = saved or {}
        learned, labels = found.get("learned", {}), base.source.labels()
        task = cls(
            base.tokenizer,
            labels,
            max_length=base.max_length,
            pair=bool(learned.get("pair", False)),
            options=Options(**found.get("options", {})),
            values=values_of(labels, learned.get("values")),
        )
        return task.restored(found.get("decision", {}))


def _problem_of(base: Base) -> str | None:
    """What the classifier of a folder is for; None where there is none with labels."""
    if not base.source.architecture.endswith("ForSequenceClassification"):
        return None
    labels = len(base.source.labels())
    usual = OneLabel.problem_type if labels > 1 else "regression"
    problem = base.source.raw.get("problem_type") or usual
    return None if problem == "regression" else str(problem)


KIND = TextClassification()
