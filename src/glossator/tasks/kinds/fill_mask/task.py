"""Filling masks: which words fit where a text has a gap."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from glossator.errors import ModelFolderError
from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.models.masked import MaskedLanguageModel
from glossator.tasks.answering import AnsweringKind, AnsweringTask, TextReader
from glossator.tasks.kinds.fill_mask.config import CONFIG
from glossator.tasks.learnable import Batch, Encoded, Example
from glossator.tasks.task import Base
from glossator.tasks.texts import encode_texts, refuse_short
from glossator.text.records import Columns, Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "FillMask", "FilledMasks", "Gap", "MaskFilling", "TokenScore"]

# Gaps whose logits are held at once.
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token and its probability, from 0 to 1."""

    token: str
    score: float


@dataclass(frozen=True, slots=True)
class FilledMasks:
    """The answer for one text.

    Attributes:
        masks: for each gap, in order, the most probable tokens, the most probable first.
        n_tokens: tokens of the text, special tokens left out.
        windows: in how many windows it was read.
    """

    masks: tuple[tuple[TokenScore, ...], ...]
    n_tokens: int
    windows: int

    def to_json(self) -> dict[str, Any]:
        """The answer as `predict` writes it under `prediction`."""
        masks = [[{"token": x.token, "score": round(x.score, 6)} for x in m] for m in self.masks]
        return {"masks": masks, "n_tokens": self.n_tokens, "windows": self.windows}


@dataclass(frozen=True, slots=True)
class Gap:
    """What a model says of a gap in a window.

    Attributes:
        place: token of the window's text.
        context: tokens of the window on the side that has fewer.
        best: the most probable tokens.
    """

    place: int
    context: int
    best: tuple[TokenScore, ...]


class FillMask(AnsweringTask):
    """Which tokens fit in the gaps of a text, each marked by the mask token.

    A text longer than `max_length` is read in overlapping windows; a gap is answered from the one
    that shows most of what stands around it.

    Args:
        tokenizer: has a mask token.
        max_length: tokens of a window at most, special tokens counted.

    Raises:
        ModelFolderError: the tokenizer has no mask token.
        ConfigError: a window has no room for a token beside the special ones.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    top_k = 3

    def __init__(self, tokenizer: Tokenizer, *, max_length: int):
        if tokenizer.mask_id is None:
            raise ModelFolderError("the tokenizer has no mask token; gaps cannot be marked")
        refuse_short(tokenizer, max_length)
        super().__init__(tokenizer, max_length)
        self.mask_id = tokenizer.mask_id
        self._vocabulary, self._reading = tokenizer.vocabulary, tokenizer.with_masks()

    @property
    def mask_token(self) -> str:
        """What marks a gap."""
        return self._vocabulary[self.mask_id]

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be answered, if it cannot."""
        if self.mask_token in text:
            return None
        return f"the text has no {self.mask_token}, which marks what is to be filled"

    def reader(self, columns: Columns) -> TextReader:
        """See `Task`."""
        return TextReader(columns, self.refusal)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return checkpoint.load_masked(base.folder)

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`."""
        task = copy.copy(self)
        task.top_k = top_k or type(self).top_k
        return task

    def cost(self, example: Example) -> int:
        """Its tokens, and what is listed for its gaps, which is more of them by far."""
        gaps = int(np.count_nonzero(example.tokens == self.mask_id))
        return len(example.tokens) + gaps * min(self.top_k, len(self._vocabulary))

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The windows of each text."""
        texts = [record.texts for record in records]
        return encode_texts(self._reading, texts, [()] * len(texts), self.max_length)

    @torch.inference_mode()
    def answer(self, model: nn.Module, batch: Batch) -> list[list[Gap]]:
        """The gaps of each window."""
        assert isinstance(model, MaskedLanguageModel)
        inputs = batch.inputs
        rows = torch.nonzero(inputs.tokens == self.mask_id).flatten()
        gaps: list[list[Gap]] = [[] for _ in range(inputs.texts)]
        if not len(rows):
            return gaps
        x = model.hidden(inputs, rows).float()
        owner = torch.searchsorted(inputs.lengths.cumsum(0), rows, right=True)
        lengths = (inputs.lengths[owner] - self.tokenizer.specials).tolist()
        places = (inputs.positions[rows] - self.tokenizer.specials_before).tolist()
        best = [b for part in torch.split(x, _CHUNK) for b in self._best(model, part)]
        for number, inside, length, tokens in zip(
            owner.tolist(), places, lengths, best, strict=True
        ):
            gaps[number].append(Gap(inside, min(inside, length - 1 - inside), tokens))
        return gaps

    def combine(self, record: Record, row: Encoded, answers: Sequence[Sequence[Gap]]) -> list[Gap]:
        """The gaps of a text from those of its windows, each from where it has most context."""
        best: dict[int, Gap] = {}
        for example, gaps in zip(row, answers, strict=True):
            for gap in gaps:
                place = example.span[0] + gap.place
                if place not in best or gap.context > best[place].context:
                    best[place] = gap
        return [best[place] for place in sorted(best)]

    def decode(self, record: Record, row: Encoded, answer: Sequence[Gap]) -> FilledMasks:
        """The answer for a text."""
        return FilledMasks(tuple(gap.best for gap in answer), row.n_tokens, row.windows)

    def words(self) -> Words:
        """See `Task`."""
        typed = f"my card was {self.mask_token} at the airport"
        return Words(
            does=f"Reads a text and says which tokens may stand for each {self.mask_token}.",
            caution="A token is answered for every gap, however little the text says of it.",
            opens_as=self.opens_as,
            pipeline=self.name,
            python_input=repr(typed),
            command_input=typed,
        )

    def _best(self, model: MaskedLanguageModel, x: torch.Tensor) -> list[tuple[TokenScore, ...]]:
        """(R, width) -> for each row the `top_k` most probable tokens."""
        chances = model.logits(x).softmax(-1)
        scores, ids = chances.topk(min(self.top_k, chances.shape[-1]))
        pairs = zip(ids.cpu().tolist(), np.asarray(scores.cpu()).tolist(), strict=True)
        return [
            tuple(TokenScore(self._piece(i), score) for i, score in zip(*pair, strict=True))
            for pair in pairs
        ]

    def _piece(self, i: int) -> str:
        return self._vocabulary[i] if i < len(self._vocabulary) else f"<{i}>"


class MaskFilling(AnsweringKind):
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> TextReader:
        """See `TaskKind`; without a model any text will do."""
        return TextReader(columns)

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> FillMask | None:
        """See `TaskKind`."""
        if saved is None and not base.source.architecture.endswith("ForMaskedLM"):
            return None
        return FillMask(base.tokenizer, max_length=base.max_length)


KIND = MaskFilling()
