"""Filling masks: which words fit where a text has a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from glossator.errors import ConfigError, ModelFolderError
from glossator.models.masked import MaskedLanguageModel
from glossator.tasks.learnable import Example, collate
from glossator.text.tokenizer import Tokenizer
from glossator.text.windows import windows

__all__ = ["FillMask", "FilledMasks", "Gap", "TokenScore"]

# As of classification: a gap near the end of one window stands amid the next.
_OVERLAP = 0.25
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
        place: token of the text.
        context: tokens of the window on the side that has fewer.
        best: the most probable tokens.
    """

    place: int
    context: int
    best: tuple[TokenScore, ...]


class FillMask:
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

    name = "fill-mask"
    opens_as = "AutoModelForMaskedLM"

    def __init__(self, tokenizer: Tokenizer, *, max_length: int):
        if tokenizer.mask_id is None:
            raise ModelFolderError("the tokenizer has no mask token; gaps cannot be marked")
        if max_length <= tokenizer.specials:
            raise ConfigError(f"a window of {max_length} tokens has no room for text")
        self.tokenizer, self.max_length, self.mask_id = tokenizer, max_length, tokenizer.mask_id
        self._vocabulary = tokenizer.vocabulary

    @property
    def mask_token(self) -> str:
        """What marks a gap."""
        return self._vocabulary[self.mask_id]

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be answered, if it cannot."""
        if self.mask_token in text:
            return None
        return f"the text has no {self.mask_token}, which marks what is to be filled"

    def encode(self, texts: Sequence[str]) -> list[list[Example]]:
        """The windows of each text."""
        limit = self.max_length - self.tokenizer.specials
        rows = []
        for ids in self.tokenizer.encode(texts):
            spans = windows(len(ids), limit, int(limit * _OVERLAP))
            rows.append([Example(self.tokenizer.wrap(ids[a:b]), (a, b)) for a, b in spans])
        return rows

    @torch.inference_mode()
    def answer(
        self, model: MaskedLanguageModel, examples: Sequence[Example], top_k: int
    ) -> list[list[Gap]]:
        """The gaps of each window."""
        batch = collate(examples).inputs
        rows = torch.nonzero(batch.tokens == self.mask_id).flatten()
        gaps: list[list[Gap]] = [[] for _ in examples]
        if not len(rows):
            return gaps
        device = model.output_weight.device
        x = model.hidden(batch.to(device), rows.to(device)).float()
        owner = torch.searchsorted(batch.lengths.cumsum(0), rows, right=True)
        places = (batch.positions[rows] - self.tokenizer.specials_before).tolist()
        best = [b for part in torch.split(x, _CHUNK) for b in self._best(model, part, top_k)]
        for number, inside, tokens in zip(owner.tolist(), places, best, strict=True):
            start, stop = examples[number].span
            context = min(inside, stop - start - 1 - inside)
            gaps[number].append(Gap(start + inside, context, tokens))
        return gaps

    def combine(self, answers: Sequence[Sequence[Gap]]) -> list[Gap]:
        """The gaps of a text from those of its windows, each from where it has most context."""
        best: dict[int, Gap] = {}
        for gap in (gap for gaps in answers for gap in gaps):
            if gap.place not in best or gap.context > best[gap.place].context:
                best[gap.place] = gap
        return [best[place] for place in sorted(best)]

    def decode(self, gaps: Sequence[Gap], row: Sequence[Example]) -> FilledMasks:
        """The answer for a text."""
        return FilledMasks(tuple(gap.best for gap in gaps), row[-1].span[1], len(row))

    def _best(
        self, model: MaskedLanguageModel, x: torch.Tensor, top_k: int
    ) -> list[tuple[TokenScore, ...]]:
        """(R, width) -> for each row the `top_k` most probable tokens."""
        chances = model.logits(x).softmax(-1)
        scores, ids = chances.topk(min(top_k, chances.shape[-1]))
        pairs = zip(ids.cpu().tolist(), np.asarray(scores.cpu()).tolist(), strict=True)
        return [
            tuple(TokenScore(self._piece(i), score) for i, score in zip(*pair, strict=True))
            for pair in pairs
        ]

    def _piece(self, i: int) -> str:
        return self._vocabulary[i] if i < len(self._vocabulary) else f"<{i}>"
