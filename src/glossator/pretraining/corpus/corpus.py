"""A corpus as tokens on the disk, mapped into memory."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import CheckpointError
from glossator.text.tokenizer import Ids

__all__ = ["CORPUS", "SENTENCE", "WORD", "Corpus", "Part", "Piece", "open_corpus"]

CORPUS = "corpus.json"
# Bits of a token's marks: it begins a sentence, it begins a word.
SENTENCE = 1
WORD = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a document.

    Attributes:
        tokens: (n,) ids, without special tokens.
        marks: (n,) what each begins.
    """

    tokens: Ids
    marks: NDArray[np.uint8]


class Part:
    """Documents that are learned from, or held out.

    Args:
        folder: with the shards.
        name: `train` or `dev`.
        shards: how many there are.
        dtype: of the tokens there.
        digest: the same for the same tokens alone.
    """

    def __init__(self, folder: Path, name: str, shards: int, dtype: str, digest: str):
        self._folder, self.name, self.digest = folder, name, digest
        self._bounds = [self._read("documents", i, np.int64) for i in range(shards)]
        self._tokens = [self._read("tokens", i, np.dtype(dtype)) for i in range(shards)]
        self._marks = [self._read("marks", i, np.uint8) for i in range(shards)]
        self._firsts = np.cumsum([0, *(len(bounds) - 1 for bounds in self._bounds)]).tolist()

    def __len__(self) -> int:
        return int(self._firsts[-1])

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(documents,) tokens of each."""
        return np.concatenate([np.diff(bounds) for bounds in self._bounds])

    @property
    def tokens(self) -> int:
        """Of all documents."""
        return sum(len(tokens) for tokens in self._tokens)

    def piece(self, document: int, start: int, stop: int) -> Piece:
        """The tokens from `start` to `stop` of a document."""
        shard, place = self._place(document, start, stop)
        return Piece(
            self._tokens[shard][place].astype(np.int32), np.array(self._marks[shard][place])
        )

    def sentences(self, document: int) -> NDArray[np.int64]:
        """(n,) where each of the n sentences of a document begins among its tokens, rising."""
        shard, place = self._place(document, 0, int(self.lengths[document]))
        return np.flatnonzero(self._marks[shard][place] & SENTENCE)

    def counts(self, vocabulary: int) -> NDArray[np.int64]:
        """(V,) how often each token occurs."""
        total = np.zeros(vocabulary, np.int64)
        for tokens in self._tokens:
            for start in range(0, len(tokens), 2**22):
                total += np.bincount(tokens[start : start + 2**22], minlength=vocabulary)
        return total

    def _place(self, document: int, start: int, stop: int) -> tuple[int, slice]:
        """The shard of a document, and its tokens from `start` to `stop` there."""
        shard = bisect.bisect_right(self._firsts, document) - 1
        base = int(self._bounds[shard][document - self._firsts[shard]])
        return shard, slice(base + start, base + stop)

    def _read(self, what: str, shard: int, dtype: Any) -> NDArray[Any]:
        path = self._folder / f"{self.name}-{what}-{shard:05d}.bin"
        return np.memmap(path, dtype=dtype, mode="r")


@dataclass(frozen=True)
class Corpus:
    """Tokens of documents, and what became of the texts.

    Attributes:
        train: what is learned from.
        dev: what is held out.
        statistics: what was read, dropped and kept; see `statistics`.
    """

    train: Part
    dev: Part
    statistics: Mapping[str, Any]


def open_corpus(folder: Path, made_of: Mapping[str, Any] | None = None) -> Corpus:
    """Map a corpus into memory.

    Args:
        folder: where `build` wrote it.
        made_of: sources, tokenizer and options that it should be made of; None: whatever it is.

    Raises:
        CheckpointError: it is made of something else, such as a file that has changed since.
    """
    written = json.loads((folder / CORPUS).read_text(encoding="utf-8"))
    changes = [] if made_of is None else list(_changes(written["made_of"], made_of))
    if changes:
        raise CheckpointError(
            f"the corpus is not what the run began with: {'; '.join(changes[:5])}. Give it as it "
            "was, or begin anew with --overwrite"
        )
    parts = {
        name: Part(folder, name, part["shards"], written["dtype"], part["digest"])
        for name, part in written["parts"].items()
    }
    return Corpus(parts["train"], parts["dev"], written["statistics"])


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
    for name in {**was, **now}:
        old, new = was.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            for key in {**old, **new}:
                if old.get(key) != new.get(key):
                    yield f"{name} {key} was {_short(old.get(key))}, is {_short(new.get(key))}"
        elif old != new:
            yield f"{name} was {_short(old)}, is {_short(new)}"


def _short(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, dict) and "bytes" in value:
        return f"{value['bytes']:,} bytes ({value['sha256'][:8]})"
    return str(value)[:80]
