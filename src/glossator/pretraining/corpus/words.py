"""Where words begin among tokens."""

from __future__ import annotations

import bisect
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.text.tokenizer import Ids, Tokenizer

__all__ = ["ChineseWords", "Words"]

_Flags = NDArray[np.bool_]


class Words:
    """Words as the tokenizer's own pieces show them.

    A piece continues a word if it has WordPiece's `##` before it, or lacks the mark of a space that
    byte-level and Unigram pieces begin with. A sentence's first token begins a word.

    Args:
        tokenizer: whose pieces they are.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._begins = _begins(tokenizer)

    def encode(self, sentences: Sequence[str]) -> tuple[list[Ids], list[_Flags]]:
        """Ids of each sentence without special tokens, and whether each begins a word."""
        ids = self._tokenizer.encode(sentences)
        flags = [self._begins[part] for part in ids]
        for part in flags:
            part[:1] = True
        return ids, flags


class ChineseWords:
    """Words of Chinese, whose writing has no spaces, as rjieba cuts them; others as they stand.

    Args:
        tokenizer: whose tokens are to be marked.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer

    def encode(self, sentences: Sequence[str]) -> tuple[list[Ids], list[_Flags]]:
        """Ids of each sentence without special tokens, and whether each begins a word."""
        import rjieba

        ids, flags = [], []
        for sentence, (part, offsets) in zip(
            sentences, self._tokenizer.encode_with_offsets(sentences), strict=True
        ):
            words = [start for _, start, _ in rjieba.tokenize(sentence)]
            ids.append(part)
            # The word that a token lies in is another than that of the token before.
            owners = np.array(
                [bisect.bisect_right(words, start) for start in offsets[:, 0]], np.int64
            )
            flags.append(np.diff(owners, prepend=-1) != 0)
        return ids, flags


def _begins(tokenizer: Tokenizer) -> _Flags:
    """(V,) whether each piece begins a word."""
    inner = json.loads(tokenizer.to_json())
    kind, prefix = inner["model"].get("type"), "##"
    pieces = tokenizer.vocabulary
    if kind == "WordPiece":
        prefix = inner["model"].get("continuing_subword_prefix", prefix)
        return np.array([not piece.startswith(prefix) for piece in pieces])
    mark = "\u0120" if '"ByteLevel"' in json.dumps(inner.get("pre_tokenizer")) else "\u2581"
    return np.array([piece.startswith(mark) for piece in pieces])
