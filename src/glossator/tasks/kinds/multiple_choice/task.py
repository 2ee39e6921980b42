"""Multiple choice: which of a row's own choices answers its question."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from glossator.evaluation.calibration import fit_temperature, softmax
from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.tasks.kinds.multiple_choice.config import CONFIG, Decision, Options
from glossator.tasks.kinds.multiple_choice.figures import MEASURES, words
from glossator.tasks.kinds.multiple_choice.loss import choice_losses
from glossator.tasks.kinds.multiple_choice.prediction import ChoicePrediction, ChoiceScore
from glossator.tasks.kinds.multiple_choice.reading import ChoiceReader
from glossator.tasks.kinds.multiple_choice.scores import ChoiceScores
from glossator.tasks.learnable import ArraySpec, Batch, Coupling, Encoded, Example
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import refuse_short, single, windows_of
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Ids, Tokenizer

__all__ = ["KIND", "MultipleChoice", "MultipleChoiceKind"]


class MultipleChoice(Windowed):
    """Which of a row's choices answers its question.

    The question is read with each choice by itself, in windows where the two are long; the logit
    of a choice is the mean over its windows, and a softmax over the row's choices makes of logits
    probabilities. Where a choice stands in the row makes no difference to its logit.

    Args:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        options: how choices are read.
        decision: how logits become probabilities.

    Raises:
        ConfigError: a window has no room for a token of each beside the special ones.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "row"
    specs = (ArraySpec("choice", "text", fill=-1), ArraySpec("right", "text", fill=-1))
    measures = MEASURES
    chosen_by = ("accuracy", "log_loss")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        options: Options | None = None,
        decision: Decision | None = None,
    ):
        refuse_short(tokenizer, max_length, pair=True)
        self.tokenizer, self.max_length = tokenizer, max_length
        self.options, self.decision = options or Options(), decision or Decision()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of reading."""
        return dataclasses.asdict(self.options)

    def reader(self, columns: Columns) -> ChoiceReader:
        """See `Task`."""
        return ChoiceReader(columns, self.options)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_chooser(base.folder, new=True, seed=seed)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_chooser(base.folder)

    def characters(self, record: Record) -> int:
        """See `Repeating`: the question is read with each choice."""
        question, choices = record.input
        return len(question) * len(choices) + sum(map(len, choices))

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The windows of a row's first choice, then those of its second, and so on."""
        texts = (text for record in records for text in (record.input[0], *record.input[1]))
        ids = iter(self.tokenizer.encode(list(texts)))
        rows = []
        for number, record in enumerate(records):
            question, *choices = (next(ids) for _ in range(1 + len(record.input[1])))
            right = -1 if record.target is None else record.target.index
            rows.append(self._encoded(number, question, choices, right))
        return rows

    def _encoded(self, number: int, question: Ids, choices: Sequence[Ids], right: int) -> Encoded:
        cut = [windows_of(self.tokenizer, (question, ids), self.max_length) for ids in choices]
        weight = 1 / sum(map(len, cut))
        examples = tuple(
            Example(tokens, span, (single(choice), single(right)), segments, weight, number)
            for choice, windows in enumerate(cut)
            for tokens, span, segments in windows
        )
        return Encoded(examples, len(question) + sum(map(len, choices)), max(map(len, cut)))

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of the losses of the rows, and how many rows there are."""
        real = batch.weights > 0
        losses = choice_losses(
            model(batch.inputs)[real],
            rows=batch.rows[real],
            choices=batch.arrays["choice"][real],
            right=batch.arrays["right"][real],
        )
        return losses.sum(), batch.weights.sum()

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same: an answer lists all choices."""
        return self

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """(B,) logits of the windows."""
        with torch.inference_mode():
            return list(model(batch.inputs).float().cpu().numpy())

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(choices,) mean of the windows' logits of each choice."""
        numbers = np.array([int(example.arrays[0]) for example in row])
        sums = np.bincount(numbers, np.array(answers, np.float64))
        return (sums / np.bincount(numbers)).astype(np.float32)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Temperature, from dev rows."""
        most = max(map(len, answers))
        logits = np.stack([np.pad(x, (0, most - len(x))) for x in answers])
        present = np.arange(most) < np.array([[len(x)] for x in answers])
        gold = [record.target.index for record in records]
        task = copy.copy(self)
        task.decision = Decision(temperature=fit_temperature(logits, gold, present=present).value)
        return task

    def decode(self, record: Record, row: Encoded, answer: Answer) -> ChoicePrediction:
        """See `Task`; of equal scores the first choice is answered."""
        chances, choices = softmax(answer, self.decision.temperature), record.input[1]
        best = int(chances.argmax())
        scored = (ChoiceScore(x, float(p)) for x, p in zip(choices, chances, strict=True))
        return ChoicePrediction(
            index=best,
            text=choices[best],
            score=float(chances[best]),
            choices=tuple(scored),
            n_tokens=row.n_tokens,
            windows=row.windows,
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> ChoiceScores:
        """See `Task`."""
        return ChoiceScores(self.decision, intervals=intervals, paired=paired)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def words(self) -> Words:
        """See `Task`."""
        return words(self.decision.temperature)

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "learned": {},
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


class MultipleChoiceKind:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> ChoiceReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return ChoiceReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> MultipleChoice:
        """See `TaskKind`: nothing is learned of the rows beforehand."""
        return MultipleChoice(base.tokenizer, max_length=base.max_length, options=options)

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> MultipleChoice | None:
        """See `TaskKind`."""
        if not base.source.architecture.endswith("ForMultipleChoice"):
            return None
        found = saved or {}
        return MultipleChoice(
            base.tokenizer,
            max_length=base.max_length,
            options=Options(**found.get("options", {})),
            decision=Decision(**found.get("decision", {})),
        )


KIND = MultipleChoiceKind()
