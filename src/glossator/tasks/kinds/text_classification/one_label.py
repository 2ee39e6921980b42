"""One label a text, out of two or of thousands."""

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
from glossator.evaluation.conformal import least_probability, prediction_sets
from glossator.evaluation.figures import Measure, Words
from glossator.evaluation.thresholds import choose_threshold, decide
from glossator.tasks.kinds.text_classification.common import LabelTask
from glossator.tasks.kinds.text_classification.config import Decision, Options
from glossator.tasks.kinds.text_classification.contrasted import Contrasted
from glossator.tasks.kinds.text_classification.figures import MEASURES, SET_MEASURES, words
from glossator.tasks.kinds.text_classification.prediction import LabelPrediction, LabelScore
from glossator.tasks.kinds.text_classification.refusals import Refusals, SetScores
from glossator.tasks.kinds.text_classification.scores import LabelScores
from glossator.tasks.kinds.text_classification.values import Label, checked
from glossator.tasks.learnable import ArraySpec, Batch, Encoded
from glossator.tasks.losses import balanced_weights, cross_entropy, focal_loss
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import Arrays, single
from glossator.text.records import Record

__all__ = ["OneLabel"]


class OneLabel(LabelTask):
    """One label a text.

    The arguments are those of `LabelTask`.

    Attributes:
        decision: how logits become a label.
        class_weights: (C,) factor of a row by its class, while it is trained.
    """

    specs = (ArraySpec("label", "text"),)
    measures: Sequence[Measure] = MEASURES
    problem_type = "single_label_classification"
    # Of equal accuracies, which small dev sets have many of, the loss tells.
    chosen_by = ("accuracy", "log_loss")
    decision = Decision()
    class_weights: Tensor | None = None

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        if self.options.coverage is not None:
            self.measures = (*self.measures, *SET_MEASURES)

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

    def outside(self, records: Sequence[Record]) -> NDArray[np.bool_]:
        """(N,) whether each row belongs to no class by its label: here none does."""
        return np.zeros(len(records), np.bool_)

    def numbers(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N,) how little each row looks like what was learned: nothing is said of it."""
        return np.zeros(len(answers))

    def said(self, answers: Sequence[Answer]) -> list[str]:
        """(N,) the label decided on."""
        return [self.labels[i] for i in self.chosen(self.probabilities(answers))]

    def refusals(self, *, intervals: bool) -> list[Refusals]:
        """What else is scored: sets, where they are answered."""
        coverage = self.options.coverage
        return [] if coverage is None else [SetScores(coverage, self.decision.least)]

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

    def contrasted(self) -> Contrasted:
        """See `Contrasting`."""
        options = self.options
        told = {"--label-smoothing": options.label_smoothing, "--focal-gamma": options.focal_gamma}
        return Contrasted(
            classes=len(self.labels),
            balanced=self.class_weights is not None,
            told=self.settings,
            unused=[name for name, value in told.items() if value],
        )

    def right(self, records: Sequence[Record], answers: Sequence[Answer]) -> NDArray[np.bool_]:
        """See `Contrasting`."""
        said = self.said(answers)
        return np.array([x == r.target for x, r in zip(said, records, strict=True)], np.bool_)

    def logits(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, C) what the classes got."""
        return np.stack(answers) if len(answers) else np.zeros((0, len(self.labels)), np.float32)

    def probabilities(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, C) calibrated probabilities."""
        return softmax(self.logits(answers), self.decision.temperature)

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) the class decided on, from (N, C) probabilities."""
        return decide(probabilities, self.decision.threshold)

    def share_right(self, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
        """See `Probabilities`."""
        names = dict(zip(self.values, self.labels, strict=True))
        right = [self.named(label, names) for label in targets]
        return float(np.mean([x == y for x, y in zip(self.said(answers), right, strict=True)]))

    def named(self, label: Any, names: Mapping[Label, str]) -> str | None:
        """What a label from Python is called; None where training has it not.

        Raises:
            InputError: it is of another type than the classes.
        """
        return names.get(checked(label, self.values))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Temperature, with two classes the threshold, and what a set asks for, from dev rows."""
        targets = self.targets(records)
        known = targets >= 0
        logits, targets = self.logits(answers)[known], targets[known]
        temperature = fit_temperature(logits, targets).value
        chances, threshold, least = softmax(logits, temperature), None, None
        if len(self.labels) == 2 and len(set(targets.tolist())) == 2:
            chosen = choose_threshold(chances[:, 1], targets).threshold
            threshold = None if chosen == 0.5 else chosen
        if (coverage := self.options.coverage) is not None:
            least = least_probability(chances, targets, coverage)
        return self.deciding(Decision(temperature=temperature, threshold=threshold, least=least))

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
        order = np.argsort(-chance, kind="stable")
        members = self._members(chance, order)
        return LabelPrediction(
            label=_single(self.values[chosen], members),
            score=float(chance[chosen]),
            labels=tuple(LabelScore(self.values[i], float(chance[i])) for i in order[: self.top_k]),
            n_tokens=row.n_tokens,
            windows=row.windows,
            set=members,
        )

    def _members(
        self, chance: NDArray[np.float64], order: NDArray[np.int64]
    ) -> tuple[Label, ...] | None:
        """The labels of the set, the most probable first; None where sets are not answered."""
        if self.decision.least is None:
            return None
        inside = prediction_sets(chance[None], self.decision.least)[0]
        return tuple(self.values[i] for i in order if inside[i])

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
            refuses=" ".join(self.refuses()),
        )

    def refuses(self) -> list[str]:
        """When no label is given, in sentences."""
        if self.options.coverage is None:
            return []
        return [
            "No label is given where the set of probable ones does not hold a single one; of rows "
            f"like the dev rows {self.options.coverage:.1%} of the sets hold the right one."
        ]

    def saved(self) -> dict[str, Any]:
        """See `Task`; the labels are in `config.json`."""
        return {
            "learned": self.learned,
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


def _single(label: Label, members: tuple[Label, ...] | None) -> Label | None:
    """The label, unless there is a set that does not hold a single one."""
    if members is None:
        return label
    return members[0] if len(members) == 1 else None
