"""Text generation: how a text may go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glossator.models.causal import CausalLanguageModel
from glossator.models.config import GenerationConfig
from glossator.models.generation import Generated, generate
from glossator.text.tokenizer import Ids, Tokenizer

__all__ = ["GeneratedText", "TextGeneration"]


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """The answer for one text.

    Attributes:
        text: what was added.
        finish_reason: `stop` where the model ended the text, `length` where there was no more room.
        n_tokens: tokens of the text that was gone on with.
    """

    text: str
    finish_reason: str
    n_tokens: int

    def to_json(self) -> dict[str, Any]:
        """The answer as `predict` writes it under `prediction`."""
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "n_tokens": self.n_tokens,
            "windows": 1,
        }


class TextGeneration:
    """How texts go on.

    Args:
        tokenizer: of the model.
        max_length: tokens of a text at most, those that are added counted.
    """

    name = "text-generation"
    opens_as = "AutoModelForCausalLM"

    def __init__(self, tokenizer: Tokenizer, *, max_length: int):
        self.tokenizer, self.max_length = tokenizer, max_length

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be gone on with, if it cannot."""
        count = len(self.tokenizer.encode([text])[0])
        if count < self.max_length:
            return None
        return f"the text has {count:,} tokens; the model reads {self.max_length:,} with its own"

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Ids of each text; of an empty one the token that a document begins with."""
        first = np.array([self.tokenizer.end_id or 0], np.int32)
        return [ids if len(ids) else first for ids in self.tokenizer.encode(texts)]

    def answer(
        self, model: CausalLanguageModel, prompts: Sequence[Ids], config: GenerationConfig
    ) -> list[Generated]:
        """What is added to each."""
        end = self.tokenizer.end_id
        stop = () if end is None else (end,)
        return generate(model, [ids.tolist() for ids in prompts], config, stop=stop)

    def decode(self, found: Generated, prompt: Ids) -> GeneratedText:
        """The answer for a text."""
        text = self.tokenizer.decode(found.tokens)
        return GeneratedText(text, found.finish_reason, len(prompt))
