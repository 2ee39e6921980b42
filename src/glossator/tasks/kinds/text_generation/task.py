"""Text generation: how a text may go on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.models.causal import CausalLanguageModel
from glossator.models.config import GenerationConfig
from glossator.models.generation import Generated, generate
from glossator.tasks.answering import AnsweringKind, AnsweringTask, TextReader
from glossator.tasks.kinds.text_generation.config import CONFIG, GenerationAsks
from glossator.tasks.learnable import Batch, Encoded, Example
from glossator.tasks.task import Base
from glossator.text.records import Columns, Record

__all__ = ["KIND", "GeneratedText", "Generating", "TextGeneration"]


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """The answer for one text.

    Attributes:
        text: what was added.
        finish_reason: `stop` where the model ended the text, `length` where there was no more room.
        n_tokens: tokens of the text that was gone on with.
        windows: always 1.
    """

    text: str
    finish_reason: str
    n_tokens: int
    windows: int = 1

    def to_json(self) -> dict[str, Any]:
        """The answer as `predict` writes it under `prediction`."""
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "n_tokens": self.n_tokens,
            "windows": self.windows,
        }


class TextGeneration(AnsweringTask):
    """How texts go on.

    Args:
        tokenizer: of the model.
        max_length: tokens of a text at most, those that are added counted.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    generation = GenerationConfig()
    _step: Callable[[], None] = staticmethod(lambda: None)

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be gone on with, if it cannot."""
        count = len(self.tokenizer.encode([text])[0])
        if count < self.max_length:
            return None
        return f"the text has {count:,} tokens; the model reads {self.max_length:,} with its own"

    def reader(self, columns: Columns) -> TextReader:
        """See `Task`."""
        return TextReader(columns, self.refusal, blank=True)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_causal(base.folder)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`."""
        task = copy.copy(self)
        task.generation = (asks or GenerationAsks()).config(top_k)
        return task

    def watched(self, step: Callable[[], None]) -> Self:
        """See `Stepwise`: a step is a token of every text that goes on."""
        task = copy.copy(self)
        task._step = step
        return task

    def cost(self, example: Example) -> int:
        """What is added takes room too, and each of the beams its own."""
        return self.generation.beams * (len(example.tokens) + self.generation.max_new_tokens)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The ids of each text; of an empty one the token that a document begins with."""
        first = np.array([self.tokenizer.end_id or 0], np.int32)
        found = self.tokenizer.encode([record.texts[0] for record in records])
        return [
            Encoded((Example(ids, (0, len(ids)), row=number),), len(ids), 1)
            for number, ids in enumerate(x if len(x) else first for x in found)
        ]

    def answer(self, model: nn.Module, batch: Batch) -> list[Generated]:
        """What is added to each."""
        assert isinstance(model, CausalLanguageModel)
        end = self.tokenizer.end_id
        stop = () if end is None else (end,)
        lengths = batch.inputs.lengths.tolist()
        prompts = [part.tolist() for part in torch.split(batch.inputs.tokens, lengths)]
        return generate(model, prompts, self.generation, stop=stop, step=self._step)

    def combine(self, record: Record, row: Encoded, answers: Sequence[Generated]) -> Generated:
        """That of the one window."""
        return answers[0]

    def decode(self, record: Record, row: Encoded, answer: Generated) -> GeneratedText:
        """The answer for a text."""
        text = self.tokenizer.decode(answer.tokens)
        return GeneratedText(text, answer.finish_reason, row.n_tokens)

    def words(self) -> Words:
        """See `Task`."""
        return Words(
            does="Goes on with a text.",
            caution="What it adds reads like its training text, and need not be true.",
            opens_as=self.opens_as,
            pipeline=self.name,
            python_input='"once upon a time"',
            command_input="once upon a time",
        )


class Generating(AnsweringKind):
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> TextReader:
        """See `TaskKind`; without a model any text will do."""
        return TextReader(columns, blank=True)

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> TextGeneration | None:
        """See `TaskKind`."""
        if saved is None and not base.source.architecture.endswith("LMHeadModel"):
            return None
        return TextGeneration(base.tokenizer, base.max_length)


KIND = Generating()
