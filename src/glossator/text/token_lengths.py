"""How long texts are in tokens, in a few bytes a text."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeAlias

from glossator.text.findings import Finding, count_of

__all__ = ["CountTokens", "TokenLengths"]

CountTokens: TypeAlias = Callable[[Sequence[str]], Sequence[int]]
_TEXTS, _CHARACTERS = 256, 2**22  # counted together


class TokenLengths:
    """Counts the tokens of texts in batches.

    Args:
        count: returns the number of tokens of each text.
        limit: the tokens that fit in one window, or None.
    """

    def __init__(self, count: CountTokens, limit: int | None) -> None:
        self._count = count
        self._limit = limit
        self._texts: list[str] = []
        self._joined: list[int] = []  # how many of them a row has
        self._characters = 0
        self._lengths = array("q")

    def add(self, *texts: str) -> None:
        """Take in the texts of a row, which are read together."""
        self._texts += texts
        self._joined.append(len(texts))
        self._characters += sum(map(len, texts))
        if len(self._texts) >= _TEXTS or self._characters >= _CHARACTERS:
            self._flush()

    def findings(self) -> list[Finding]:
        """The lengths, and how many texts need windows; nothing where there was no text."""
        self._flush()
        lengths = sorted(self._lengths)
        if not lengths:
            return []
        message = (
            f"tokens a text: median {_rank(lengths, 0.5):,}, 95th percentile "
            f"{_rank(lengths, 0.95):,}, longest {lengths[-1]:,}"
        )
        found = [Finding("token_lengths", "info", message, len(lengths))]
        long = sum(length > self._limit for length in lengths) if self._limit else 0
        if long:
            message = (
                f"{count_of(long, 'text')} of {len(lengths):,} longer than {self._limit} tokens: "
                "read in overlapping windows, nothing is cut off"
            )
            found.append(Finding("windows", "info", message, long))
        return found

    def _flush(self) -> None:
        counts = iter(self._count(self._texts) if self._texts else ())
        self._lengths.extend(sum(islice(counts, joined)) for joined in self._joined)
        self._texts, self._joined, self._characters = [], [], 0


def _rank(ordered: Sequence[int], share: float) -> int:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
