"""Question answering: where in a text the answer to a question stands."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.tasks.kinds.question_answering.config import CONFIG, Decision, Options
from glossator.tasks.kinds.question_answering.decision import decided_on
from glossator.tasks.kinds.question_answering.figures import MEASURES, words
from glossator.tasks.kinds.question_answering.prediction import AnswersPrediction, FoundAnswer
from glossator.tasks.kinds.question_answering.reading import QuestionReader
from glossator.tasks.kinds.question_answering.scores import AnswerScoring
from glossator.tasks.kinds.question_answering.spans import Logits, Ranked, combined
from glossator.tasks.kinds.question_answering.windows import SPECS, WindowLayout
from glossator.tasks.learnable import Batch, Coupling, Encoded
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import refuse_short
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "AnswerFinding", "QuestionAnswering"]


class AnswerFinding(Windowed):
    """The stretch of a context that answers a question.

    A window is learned as Devlin et al. 2018, "BERT", section 4.2 and 4.3, have it: the first and
    the last token of the answer are each chosen among the tokens of the context, and the first
    token of the window stands for no answer in it. Of a row with several answers the first one that
    a window holds is learned.

    Args:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        nullable: whether there may be no answer.
        options: what training was told.
        decision: what dev rows decided.

    Raises:
        ConfigError: a window has no room for a token of both texts.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "example"
    specs = SPECS
    measures = MEASURES
    chosen_by = ("f1", "exact_match")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        nullable: bool = False,
        options: Options | None = None,
        decision: Decision | None = None,
    ):
        refuse_short(tokenizer, max_length, pair=True)
        self.tokenizer, self.max_length, self.nullable = tokenizer, max_length, nullable
        self.options, self.decision = options or Options(), decision or Decision()
        self.count = 1

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and whether there may be no answer."""
        return dataclasses.asdict(self.options) | {"nullable": self.nullable}

    @property
    def _layout(self) -> WindowLayout:
        return WindowLayout(self.tokenizer, self.max_length, self.options.stride)

    def reader(self, columns: Columns) -> QuestionReader:
        """See `Task`."""
        return QuestionReader(columns, self._layout.refusal)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_finder(base.folder, new=True, seed=seed)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_finder(base.folder)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        return self._layout.encode(records)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted sum over windows of the mean of both losses, and the sum of the weights."""
        logits = model(batch.inputs)
        there = batch.counts["starts"] > 0  # what only fills a batch up has none
        total = logits.sum() * 0.0
        for number, name in enumerate(("starts", "ends")):
            values, counts = _at(logits[:, number], batch, name), batch.counts[name][there]
            begins = counts.cumsum(0) - counts
            right = values[begins + batch.arrays["goal"][there, number + 1]]
            losses = _log_sums(values, counts) - right
            total = total + (losses * batch.weights[there]).sum() / 2
        return total, batch.weights.sum()

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Logits]:
        """Of each window the logits of the tokens that an answer may begin and end with."""
        with torch.inference_mode():
            logits = model(batch.inputs)
        sides = []
        for number, name in enumerate(("starts", "ends")):
            parts = torch.split(_at(logits[:, number], batch, name), batch.counts[name].tolist())
            sides.append([part.cpu().numpy() for part in parts])
        return list(zip(*sides, strict=True))

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(K + 1, 3) see `Ranked`."""
        return combined(row, answers, self.options.max_answer_length)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The temperature that suits the dev rows, and from which score on there is an answer."""
        task = copy.copy(self)
        task.decision = decided_on(records, list(map(Ranked, answers)), nullable=self.nullable)
        return task

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """The same, which lists so many answers where there is one."""
        task = copy.copy(self)
        task.count = top_k or 1
        return task

    def decode(self, record: Record, row: Encoded, answer: Answer) -> AnswersPrediction:
        """See `Task`."""
        ranked, context = Ranked(answer), record.input.context
        none, *chances = ranked.probabilities(
            self.decision.temperature, nullable=self.nullable
        ).tolist()
        given = not self.nullable or ranked.best > self.decision.threshold
        found = [
            FoundAnswer(context[start:end], start, end, chance)
            for (start, end), chance in zip(ranked.places, chances, strict=True)
        ]
        return AnswersPrediction(
            tuple(found[: self.count]) if given else (),
            none if self.nullable else None,
            row.n_tokens,
            row.windows,
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> AnswerScoring:
        """See `Task`."""
        return AnswerScoring(self, intervals=intervals, paired=paired)

    def words(self) -> Words:
        """See `Task`."""
        return words(self.opens_as, self.decision, nullable=self.nullable)

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "learned": {"nullable": self.nullable},
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


class QuestionAnswering:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> QuestionReader:
        """See `TaskKind`; how long a question may be only a model says."""
        return QuestionReader(columns)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> AnswerFinding:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        nullable = any(not record.target.places for record in records)
        return AnswerFinding(
            base.tokenizer, max_length=base.max_length, nullable=nullable, options=options
        )

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> AnswerFinding | None:
        """See `TaskKind`; one from elsewhere does not say whether there may be no answer."""
        if not base.source.architecture.endswith("ForQuestionAnswering"):
            return None
        found = saved or {}
        return AnswerFinding(
            base.tokenizer,
            max_length=base.max_length,
            nullable=bool(found.get("learned", {}).get("nullable", False)),
            options=Options(**found.get("options", {})),
            decision=Decision(**found.get("decision", {})),
        )


def _at(logits: Tensor, batch: Batch, name: str) -> Tensor:
    """The logits (T,) of all windows at the places that an array of theirs names."""
    starts = batch.inputs.starts.repeat_interleave(batch.counts[name])
    return logits[starts + batch.arrays[name]]


def _log_sums(values: Tensor, counts: Tensor) -> Tensor:
    """(S,) of B windows, of which each has one or more -> (B,) log of the sum of their powers."""
    tops = torch.segment_reduce(values.detach(), "max", lengths=counts, axis=0)
    powers = (values - tops.repeat_interleave(counts)).exp()
    return tops + torch.segment_reduce(powers, "sum", lengths=counts, axis=0).log()


KIND = QuestionAnswering()
