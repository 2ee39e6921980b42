"""How much of a corpus are lines that stood there before."""

from __future__ import annotations

import hashlib
from typing import Any

from glossator.pretraining.corpus.cleaning import Sentences
from glossator.text.findings import excerpt

__all__ = ["RepeatedLines"]

_SHORTEST = 20  # characters; shorter lines are often greetings, names or numbers
_MOST = 2**18  # distinct lines that are remembered
_EXAMPLES = 3


class RepeatedLines:
    """Counts lines of 20 characters or more that stand in a corpus more than once.

    Of a large corpus a sample of the distinct lines is counted, each with all its occurrences:
    those whose digest is below a bound, which is halved whenever the sample has grown too large.

    Source: Gibbons and Tirthapura 2001, "Estimating simple functions on the union of data streams".
    """

    def __init__(self) -> None:
        self._bound = 2**64
        self._counts: dict[int, int] = {}
        self._texts: dict[int, str] = {}  # of those that came twice

    def add(self, sentences: Sentences) -> None:
        """Take in the lines of a document."""
        for line in sentences:
            if len(line) >= _SHORTEST:
                self._count(line)

    def to_json(self) -> dict[str, Any]:
        """The share of lines that stood there before, and the most frequent ones."""
        lines = sum(self._counts.values())
        often = sorted(self._texts, key=lambda digest: (-self._counts[digest], digest))
        return {
            "share": round(1 - len(self._counts) / max(1, lines), 4) if lines else 0.0,
            "examples": [
                {"line": self._texts[digest], "times": self._counts[digest]}
                for digest in often[:_EXAMPLES]
            ],
        }

    def _count(self, line: str) -> None:
        digest = int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")
        if digest >= self._bound:
            return
        times = self._counts.get(digest, 0) + 1
        self._counts[digest] = times
        if times == 2:
            self._texts[digest] = excerpt(line)
        while len(self._counts) > _MOST:
            self._bound //= 2
            self._counts = {x: count for x, count in self._counts.items() if x < self._bound}
            self._texts = {x: text for x, text in self._texts.items() if x < self._bound}
