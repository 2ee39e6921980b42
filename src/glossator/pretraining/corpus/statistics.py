"""What became of the texts of a corpus, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.pretraining.corpus.cleaning import Sentences, Step
from glossator.text.findings import count_of, excerpt

__all__ = ["Removals", "report_lines", "token_statistics"]

_EXAMPLES = 3


class Removals:
    """A step that counts what it removed, and keeps a few examples.

    Args:
        step: the step.
    """

    def __init__(self, step: Step):
        self._step = step
        self._documents = self._characters = 0
        self._examples: list[str] = []

    def __call__(self, sentences: Sentences) -> Sentences:
        """What the step leaves."""
        left = self._step(sentences)
        if left is sentences:
            return left
        before, after = sum(map(len, sentences)), sum(map(len, left))
        if after == before and left:
            return left
        self._documents += not left
        # A form may be longer than what it stands for; nothing is removed then.
        self._characters += max(0, before - after)
        if len(self._examples) < _EXAMPLES and before > after:
            self._examples.append(excerpt(_first_lost(sentences, left)))
        return left

    def to_json(self) -> dict[str, Any]:
        """Its name, documents and characters removed, and examples."""
        return {
            "step": self._step.name,
            "documents": self._documents,
            "characters": self._characters,
            "examples": self._examples,
        }


def token_statistics(
    counts: NDArray[np.int64],
    *,
    words: int,
    size: int,
    unknown: int | None,
    special: Iterable[int],
) -> dict[str, Any]:
    """What a vocabulary makes of the texts.

    Args:
        counts: (V,) how often each token occurs.
        words: how many words there are.
        size: bytes of the texts in UTF-8.
        unknown: id of the token for what the vocabulary lacks.
        special: ids of special tokens, which occur in no text.
    """
    total = int(counts.sum())
    ordinary = np.delete(counts, list(special))
    return {
        "tokens": total,
        "tokens_per_word": round(total / max(1, words), 3),
        "tokens_per_byte": round(total / max(1, size), 4),
        "unknown_share": 0.0 if unknown is None else float(counts[unknown] / max(1, total)),
        "vocabulary": len(counts),
        "unused": int((ordinary == 0).sum()),
    }


def report_lines(statistics: Mapping[str, Any]) -> list[str]:
    """The statistics in plain sentences."""
    read, kept, tokens = statistics["read"], statistics["kept"], statistics["tokens"]
    lines = [
        f"{count_of(read['documents'], 'document')} read, {read['characters']:,} characters, "
        f"from {count_of(read['files'], 'file')}"
    ]
    for step in statistics["steps"]:
        if step["characters"]:
            gone = f"{count_of(step['documents'], 'document')} and " if step["documents"] else ""
            examples = f": {', '.join(step['examples'])}" if step["examples"] else ""
            lines.append(
                f"  {step['step']}: {gone}{count_of(step['characters'], 'character')} gone"
                f"{examples}"
            )
    train, dev = kept["train"], kept["dev"]
    lines.append(
        f"{train['tokens']:,} tokens in {count_of(train['documents'], 'document')} to learn from, "
        f"{dev['tokens']:,} in {dev['documents']:,} held out"
    )
    lines.append(
        f"{tokens['tokens_per_word']:.2f} tokens a word, {tokens['unknown_share']:.2%} unknown; "
        f"{tokens['unused']:,} of {tokens['vocabulary']:,} pieces never occur"
    )
    return lines


def _first_lost(before: Sentences, after: Sentences) -> str:
    left = set(after)
    return next((sentence for sentence in before if sentence not in left), before[0])
