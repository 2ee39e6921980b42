"""Token classification by spans, which may lie inside one another."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.label_thresholds import fit_binary_temperature
from glossator.evaluation.thresholds import best_threshold
from glossator.models import checkpoint
from glossator.models.encoder import EncoderConfig
from glossator.models.extra_heads import HeadBuilders
from glossator.models.global_pointer import GlobalPointer, span_loss
from glossator.tasks.kinds.entities.units import Numbers, Scored
from glossator.tasks.kinds.token_classification.common import EntityTask
from glossator.tasks.kinds.token_classification.config import Decision
from glossator.tasks.learnable import ArraySpec, Batch, Encoded, Example
from glossator.tasks.task import Answer, Base
from glossator.text.records import Record
from glossator.text.tagging import Span

__all__ = ["NestedEntities"]

_HEAD = "spans"
# A stretch that scores less is no entity by any threshold that dev rows would choose.
_LOWEST = -4.0
_ENDS = 3  # first word, last word, label


class NestedEntities(EntityTask):
    """Entities by a score a stretch of words.

    A window can only find what lies in it as a whole; windows share a quarter, and an entity of
    more words than that may be missed where two meet. The arguments are those of `EntityTask`.
    """

    opens_as = "AutoModel"
    specs = (ArraySpec("read", "own"), ArraySpec("spans", "own"))

    @property
    def _extra(self) -> HeadBuilders:
        return {_HEAD: partial(_pointer, len(self.labels))}

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_headless(base.folder, self._extra, seed)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_headless(base.folder, self._extra)

    def goals(self, record: Record) -> Numbers:
        """Nothing a word: the targets of a window are whole spans."""
        return np.zeros(len(record.input.places), np.int64)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        return [
            self._with_spans(row, record.target or ())
            for row, record in zip(super().encode(records), records, strict=True)
        ]

    def _with_spans(self, row: Encoded, target: Sequence[Span]) -> Encoded:
        """The row with the spans that lie in each window as a whole, by its words."""
        assert row.offsets is not None
        starts = {int(start): number for number, (start, _) in enumerate(row.offsets)}
        ends = {int(end): number for number, (_, end) in enumerate(row.offsets)}
        number = {label: i for i, label in enumerate(self.labels)}
        found = [
            (starts[x.start], ends[x.end], number[x.label])
            for x in target
            if x.label in number and x.start in starts and x.end in ends
        ]
        examples = tuple(_with(example, found) for example in row)
        return dataclasses.replace(row, examples=examples)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum over windows, and how many they are."""
        scores, lengths = self._scores(model, batch), batch.counts["read"]
        right = torch.zeros_like(scores, dtype=torch.bool)
        owner = torch.repeat_interleave(batch.counts["spans"])
        first, last, label = batch.arrays["spans"].T
        right[owner, label, first, last] = True
        weights = batch.weights * (lengths > 0)
        return (span_loss(scores, right) * weights).sum(), batch.weights.sum()

    def _scores(self, model: nn.Module, batch: Batch) -> Tensor:
        starts = batch.inputs.starts.repeat_interleave(batch.counts["read"])
        states = model(batch.inputs, starts + batch.arrays["read"])
        head: Any = model.extra[_HEAD]  # type: ignore[index]
        return head(states, batch.counts["read"])  # type: ignore[no-any-return]

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (K, 4): first and last word, label, and score of what may be an entity."""
        with torch.inference_mode():
            scores = self._scores(model, batch).float().cpu().numpy()
        found = []
        for one in scores:
            label, first, last = np.nonzero(one > _LOWEST)
            found.append(np.stack([first, last, label, one[label, first, last]], axis=1))
        return found

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(K, 4) by the words of the row; of a stretch in several windows the highest score."""
        best: dict[tuple[int, int, int], float] = {}
        for example, answer in zip(row, answers, strict=True):
            shift = example.span[0]
            for first, last, label, score in answer.tolist():
                key = int(first) + shift, int(last) + shift, int(label)
                best[key] = max(score, best.get(key, score))
        return np.array([(*key, score) for key, score in sorted(best.items())]).reshape(-1, 4)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The score above which F1 on dev is best, and a temperature."""
        rows = self.encode(records)
        right = [
            self._right(x, row, answer)
            for x, row, answer in zip(records, rows, answers, strict=True)
        ]
        scores, gold = np.concatenate(answers)[:, 3], np.concatenate(right)
        if not gold.any() or gold.all():
            return self
        temperature = fit_binary_temperature(scores[:, None], gold[:, None]).value
        chances = 1 / (1 + np.exp(-scores / temperature))
        chosen = best_threshold(chances, gold, metric="f1").threshold
        chosen = min(max(chosen, 0.05), 0.95)
        task = copy.copy(self)
        threshold = float(temperature * np.log(chosen / (1 - chosen)))
        task.decision = Decision(temperature=temperature, threshold=threshold)
        return task

    def _right(self, record: Record, row: Encoded, answer: Answer) -> NDArray[np.bool_]:
        """(K,) whether what may be an entity is one."""
        assert row.offsets is not None
        gold = {(x.start, x.end, x.label) for x in record.target}
        places = [
            (int(row.offsets[int(a), 0]), int(row.offsets[int(b), 1]), self.labels[int(c)])
            for a, b, c, _ in answer.tolist()
        ]
        return np.array([place in gold for place in places], np.bool_)

    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """See `EntityTask`."""
        return [
            [
                self._entity(int(a), int(b), int(c), score)
                for a, b, c, score in answer.tolist()
                if score > self.decision.threshold
            ]
            for answer in answers
        ]

    def _entity(self, first: int, last: int, label: int, score: float) -> Scored:
        chance = float(1 / (1 + np.exp(-score / self.decision.temperature)))
        return Span(first, last + 1, self.labels[label]), chance


def _with(example: Example, spans: Sequence[tuple[int, int, int]]) -> Example:
    start, stop = example.span
    inside = [(a - start, b - start, c) for a, b, c in spans if start <= a and b < stop]
    arrays = (example.arrays[0], np.array(inside, np.int64).reshape(-1, _ENDS))
    return dataclasses.replace(example, arrays=arrays)


def _pointer(labels: int, config: EncoderConfig) -> GlobalPointer:
    return GlobalPointer(config.hidden_size, labels)
