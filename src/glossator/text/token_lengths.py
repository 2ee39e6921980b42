"""How long texts are in tokens, in a few bytes a text, and whether the tokenizer knows them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.text.findings import Finding, count_of

__all__ = ["TokenLengths", "Tokenizing"]

_TEXTS, _CHARACTERS = 256, 2**22  # counted together
# Rows whose lengths are kept at most; then every second of them is.
_KEPT = 2**17
# Of English pieces minilm knows all but 0.03%, of Chinese ones it lacks 57% and more.
_UNKNOWN = 0.1
# Russian, Arabic, Korean and Hindi come to minilm in letters, words of a known language in pieces
# of four; a tokenizer of Chinese reads characters, too, but in texts without spaces.
_IN_LETTERS, _LETTERS_A_WORD = 0.7, 3
# Bytes of UTF-8 make two or three pieces of a letter that is not Latin.
_IN_BYTES = 1.3


class Tokenizing(Protocol):
    """What turns texts into numbers; a `Tokenizer` does."""

    @property
    def unknown_id(self) -> int | None:
        """The number of a piece that is not in the vocabulary, if there is one."""

    def encode(self, texts: Sequence[str]) -> Sequence[NDArray[np.int32]]:
        """The numbers of each text."""


class TokenLengths:
    """Counts the tokens of texts in batches.

    Args:
        tokenizer: of the model.
        limit: the tokens that fit in one window, of which each longer text is told; None: of very
            many rows every second, fourth or eighth is counted, and the finding says so.
    """

    def __init__(self, tokenizer: Tokenizing, limit: int | None) -> None:
        self._tokenizer, self._unknown = tokenizer, tokenizer.unknown_id
        self._limit = limit
        self._texts: list[str] = []
        self._joined: list[int] = []  # how many of them a row has
        self._characters = 0
        self._lengths = array("q")
        self._rows, self._stride = 0, 1
        self._words = self._letters = self._unknowns = 0

    def add(self, *texts: str) -> None:
        """Take in the texts of a row, which are read together."""
        self._rows += 1
        if (self._rows - 1) % self._stride:
            return
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
        if len(lengths) < self._rows:
            message += f", of {len(lengths):,} of {self._rows:,} texts, spread evenly"
        found = [Finding("token_lengths", "info", message, len(lengths))]
        long = sum(length > self._limit for length in lengths) if self._limit else 0
        if long:
            message = (
                f"{count_of(long, 'text')} of {len(lengths):,} longer than {self._limit} tokens: "
                "read in overlapping windows, nothing is cut off"
            )
            found.append(Finding("windows", "info", message, long))
        return found + self._unread(sum(lengths))

    def _unread(self, tokens: int) -> list[Finding]:
        """That the vocabulary is of other languages than the texts."""
        if not tokens:
            return []
        unknown = self._unknowns / tokens
        a_letter = tokens / max(1, self._letters)
        a_word = self._letters / max(1, self._words)
        spaced = _LETTERS_A_WORD <= a_word <= 15
        if unknown >= _UNKNOWN:
            what = f"{unknown:.0%} of their pieces are not in its vocabulary"
        elif a_letter >= _IN_BYTES or (spaced and a_letter >= _IN_LETTERS):
            what = "it reads them letter by letter, or in single bytes"
        else:
            return []
        message = (
            f"the model does not know the language of these texts: {what}. "
            "--model multilingual reads a hundred languages"
        )
        return [Finding("unread", "warning", message, len(self._lengths))]

    def _flush(self) -> None:
        encoded = self._tokenizer.encode(self._texts) if self._texts else ()
        counts = map(len, encoded)
        self._lengths.extend(sum(islice(counts, joined)) for joined in self._joined)
        if self._unknown is not None:
            self._unknowns += sum(int((ids == self._unknown).sum()) for ids in encoded)
        words = [word for text in self._texts for word in text.split()]
        self._words += len(words)
        self._letters += sum(map(len, words))
        self._texts, self._joined, self._characters = [], [], 0
        if self._limit is None and len(self._lengths) >= _KEPT:
            self._lengths, self._stride = self._lengths[::2], 2 * self._stride


def _rank(ordered: Sequence[int], share: float) -> int:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
