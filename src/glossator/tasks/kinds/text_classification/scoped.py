"""One label a text, or none of them: a rule tells which texts belong to no class."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from glossator.evaluation.out_of_scope import (
    NEEDS,
    RULES,
    Regions,
    Rule,
    cut_keeping,
    scope_scores,
)
from glossator.evaluation.ranking import roc_auc
from glossator.models import checkpoint
from glossator.models.encoder import EncoderConfig
from glossator.models.frozen import FrozenArrays
from glossator.tasks.kinds.text_classification.config import ScopeDecision
from glossator.tasks.kinds.text_classification.figures import MEASURES, SCOPE_MEASURES
from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.text_classification.prediction import LabelPrediction
from glossator.tasks.kinds.text_classification.refusals import Refusals, ScopeScores
from glossator.tasks.kinds.text_classification.values import Label
from glossator.tasks.learnable import Batch, Encoded
from glossator.tasks.task import Answer, Base
from glossator.text.records import Record

__all__ = ["ScopedLabel"]

_HEAD, _NONE = "out_of_scope", "out of scope"
# Rows whose features are looked at: more tell a class's place hardly any better.
_SURVEYED = 20_000


class ScopedLabel(OneLabel):
    """One label a text, or none, where the text looks unlike all that was learned.

    An answer is the logits of a text and, after them, its features: what the head reads of it.

    Attributes:
        regions: where the training rows of each class lie, as far as the rule asks for it; None
            until they were looked at.
    """

    measures = (*MEASURES, *SCOPE_MEASURES)
    decision: ScopeDecision = ScopeDecision()
    regions: Regions | None = None

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        if not self.decision.kept_shapes:
            return super().open(base)
        build = partial(_arrays_of, self.decision.kept_shapes)
        model = checkpoint.load_classifier(base.folder, extra={_HEAD: build})
        held = model.extra[_HEAD]
        assert isinstance(held, FrozenArrays)
        arrays: dict[str, Any] = held.arrays()
        self.regions = Regions(**arrays)
        return model

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B, C + W) logits and features."""
        with torch.inference_mode():
            pooled = model.pooled(batch.inputs)  # type: ignore[operator]
            logits = model.head(pooled)  # type: ignore[operator]
            found: NDArray[np.float32] = torch.cat([logits, pooled], dim=1).cpu().numpy()
            return found  # type: ignore[return-value]

    def logits(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, C) what the classes got."""
        return super().logits(answers)[:, : len(self.labels)]

    def surveyed(
        self,
        records: Sequence[Record],
        rows: Sequence[Encoded],
        ask: Callable[[Sequence[Record], Sequence[Encoded]], Sequence[Answer]],
    ) -> Self:
        """See `Surveying`."""
        every = range(0, len(records), -(-len(records) // _SURVEYED))
        seen = [records[i] for i in every]
        answers = np.stack(ask(seen, [rows[i] for i in every]))
        task = copy.copy(self)
        features = answers[:, len(self.labels) :]
        task.regions = Regions.fit(features, self.targets(seen), len(self.labels))
        # Of one that has decided before other rows lie elsewhere, and are another number.
        shapes = {name: list(x.shape) for name, x in task._kept(task._rule).items()}
        task.decision = dataclasses.replace(task.decision, kept_shapes=shapes)
        return task

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """As one label is, and the rule that tells best on dev rows.

        Where no dev row is out of scope, rules are tried on each as if its class were not there.
        """
        found = super().decided(records, answers)
        outside, gold = self.outside(records), self.targets(records)
        inside = gold >= 0
        told_by: dict[str, float] = {}
        inner: dict[str, NDArray[np.float64]] = {}
        for rule in self._candidates:
            numbers = self._numbers(rule, answers)
            inner[rule] = numbers[inside]
            other = numbers[outside] if outside.any() else self._as_if_new(rule, answers, gold)
            which = np.arange(len(inner[rule]) + len(other)) >= len(inner[rule])
            told_by[rule] = roc_auc(np.concatenate([inner[rule], other]), which) or 0.0
        best = max(self._candidates, key=lambda rule: told_by[rule])
        cut = cut_keeping(inner[best], self.options.in_scope_kept)
        arrays = self._kept(best)
        decision = ScopeDecision(
            **dataclasses.asdict(found.decision),
            rule=best,
            cut=cut,
            softness=max(float(np.std(inner[best])), 1e-9),
            told_by=told_by,
            kept_shapes={name: list(x.shape) for name, x in arrays.items()},
        )
        return found.deciding(decision)

    def outside(self, records: Sequence[Record]) -> NDArray[np.bool_]:
        """(N,) whether each row is out of scope by its label."""
        label = self.options.out_of_scope_label
        return np.array([label is not None and r.target == label for r in records], np.bool_)

    def settle(self, model: nn.Module) -> None:
        """See `Surveying`."""
        extra: nn.ModuleDict = model.extra  # type: ignore[assignment]
        if arrays := self._kept(self._rule):
            extra[_HEAD] = FrozenArrays.of(arrays)
        elif _HEAD in extra:
            del extra[_HEAD]

    def strangeness(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N,) how little each row looks like those learned from 0 to 1; above 0.5 it is none."""
        decision = self.decision
        beyond = (self.numbers(answers) - decision.cut) / decision.softness
        return 1 / (1 + np.exp(-np.clip(beyond, -700, 700)))

    def decode(self, record: Record, row: Encoded, answer: Answer) -> LabelPrediction:
        """As of one label; out of scope there is none."""
        found = super().decode(record, row, answer)
        strange = float(self.strangeness([answer])[0])
        out = strange > 0.5
        return dataclasses.replace(
            found,
            label=None if out else found.label,
            out_of_scope=out,
            out_of_scope_score=strange,
        )

    def said(self, answers: Sequence[Answer]) -> list[str]:
        """(N,) the label decided on, or that there is none."""
        none = self.options.out_of_scope_label or _NONE
        strange = self.numbers(answers) > self.decision.cut
        return [
            none if out else label
            for out, label in zip(strange, super().said(answers), strict=True)
        ]

    def named(self, label: Any, names: Mapping[Label, str]) -> str | None:
        """As of one label; that of rows out of scope is a string whatever the others are."""
        outside = label is not None and label == self.options.out_of_scope_label
        return label if outside else super().named(label, names)

    def refuses(self) -> list[str]:
        """See `OneLabel`."""
        decision = self.decision
        said = (
            f"A text that looks unlike all that was learned (rule: {decision.rule}) gets no label; "
            f"{self.options.in_scope_kept:.1%} of the dev rows that belong to a class keep theirs."
        )
        return [said, *super().refuses()]

    def refusals(self, *, intervals: bool) -> list[Refusals]:
        """See `OneLabel`; and how well the rule tells."""
        decision = self.decision
        scope = ScopeScores(decision.rule, decision.cut, decision.told_by, intervals=intervals)
        return [scope, *super().refusals(intervals=intervals)]

    def restored(self, decision: Mapping[str, Any]) -> Self:
        """The same task with a decision that was saved."""
        return self.deciding(ScopeDecision(**decision))

    def numbers(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N,) what the rule gives each row; comparable among rows alone."""
        return self._numbers(self._rule, answers)

    @property
    def _rule(self) -> Rule:
        return cast(Rule, self.decision.rule)

    @property
    def _candidates(self) -> Sequence[Rule]:
        asked = self.options.out_of_scope
        return RULES if asked in ("none", "auto") else (cast(Rule, asked),)

    def _numbers(
        self, rule: Rule, answers: Sequence[Answer], without: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        logits = self.logits(answers)
        features = np.stack(answers)[:, logits.shape[1] :] if len(answers) else logits
        return scope_scores(rule, logits, features, self.regions or Regions(), without)

    def _as_if_new(
        self, rule: Rule, answers: Sequence[Answer], gold: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        known = [i for i, label in enumerate(gold) if label >= 0]
        return self._numbers(rule, [answers[i] for i in known], gold[known])

    def _kept(self, rule: Rule) -> dict[str, NDArray[np.float32]]:
        """The arrays that a rule asks for."""
        assert self.regions is not None
        return {name: getattr(self.regions, name) for name in NEEDS[rule]}


def _arrays_of(shapes: Mapping[str, Sequence[int]], config: EncoderConfig) -> FrozenArrays:
    return FrozenArrays(shapes)
