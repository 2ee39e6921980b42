"""Writing tokens into shards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from glossator.pretraining.corpus.corpus import SENTENCE, WORD
from glossator.text.tokenizer import Ids

__all__ = ["ShardWriter"]

# Tokens of a shard: 128 MiB of them in 16 bits.
_TOKENS = 2**26


class ShardWriter:
    """Appends documents to shards; a context manager, at whose end all is on the disk.

    Args:
        folder: to write into.
        name: of the part.
        dtype: of the tokens.

    Attributes:
        documents: written so far.
        tokens: written so far.
        words: begun so far.
        bytes: of the text of all that, in UTF-8.
        counts: (V,) how often each token was written.
    """

    def __init__(self, folder: Path, name: str, dtype: str, vocabulary: int):
        self._folder, self._name, self._dtype = folder, name, dtype
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._shards = self._inside = 0
        self._digest = hashlib.sha256()
        self.documents = self.tokens = self.words = self.bytes = 0
        self.counts = np.zeros(vocabulary, np.int64)

    def __enter__(self) -> ShardWriter:
        self._next_shard()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(
        self, sentences: Sequence[Ids], begins: Sequence[NDArray[np.bool_]], size: int
    ) -> None:
        """Add a document: the tokens of its sentences, where words begin in them, and its bytes."""
        tokens = np.concatenate(sentences)
        marks = np.where(np.concatenate(begins), WORD, 0).astype(np.uint8)
        starts = np.cumsum([0, *(len(part) for part in sentences[:-1])])
        marks[starts[starts < len(marks)]] |= SENTENCE
        if self._inside + len(tokens) > _TOKENS and self._inside:
            self._close()
            self._next_shard()
        self._inside += len(tokens)
        self._write("tokens", tokens.astype(self._dtype))
        self._write("marks", marks)
        self._write("documents", np.array([self._inside], np.int64))
        self.documents += 1
        self.tokens += len(tokens)
        self.bytes += size
        self.words += int((marks & WORD > 0).sum())
        self.counts += np.bincount(tokens, minlength=len(self.counts))

    def to_json(self) -> dict[str, Any]:
        """What a reader needs to know."""
        return {"shards": self._shards, "digest": self._digest.hexdigest()}

    def _write(self, what: str, array: NDArray[Any]) -> None:
        data = array.tobytes()
        self._digest.update(data)
        self._files[what].write(data)

    def _next_shard(self) -> None:
        for what in ("tokens", "marks", "documents"):
            path = self._folder / f"{self._name}-{what}-{self._shards:05d}.bin"
            self._files[what] = self._stack.enter_context(path.open("wb"))
        self._shards, self._inside = self._shards + 1, 0
        self._write("documents", np.zeros(1, np.int64))

    def _close(self) -> None:
        with self._stack:  # closes them, also where one cannot be written
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
