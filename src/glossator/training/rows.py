"""The rows of a run: examples in a list, or cut from a corpus as they are wanted."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from glossator.tasks.learnable import Example
from glossator.text.tokenizer import Ids

__all__ = ["ListedRows", "Row", "Rows", "as_rows", "digest_of"]

Row = Sequence[Example]


class Rows(ABC):
    """The rows of a run, by number."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def __getitem__(self, number: int) -> Row:
        """The examples of a row."""

    @property
    @abstractmethod
    def tokens(self) -> int:
        """Tokens of all rows."""

    @abstractmethod
    def digest(self) -> str:
        """The same for the same rows alone."""

    @abstractmethod
    def vocabulary(self) -> Iterable[Ids] | None:
        """Ids of all tokens that a model will see; None: it may be any."""


class ListedRows(Rows):
    """Rows in a list.

    Args:
        rows: the examples of each.
    """

    def __init__(self, rows: Sequence[Row]):
        self._rows = rows

    @property
    def listed(self) -> Sequence[Row]:
        """All of them."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Row:
        return self._rows[number]

    @cached_property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(len(example.tokens) for row in self._rows for example in row)

    def digest(self) -> str:
        """The same for the same examples alone."""
        examples = [example for row in self._rows for example in row]
        shape = np.array([(len(e.tokens), *e.span) for e in examples], dtype=np.int64)
        weights = np.array([e.weight for e in examples], dtype=np.float64)
        counts = np.array([len(row) for row in self._rows], dtype=np.int64)
        tokens = (example.tokens for example in examples)
        beside = (array for example in examples for array in (*example.arrays, _segments(example)))
        return digest_of([counts, shape, weights, *tokens, *beside])

    def vocabulary(self) -> Iterable[Ids]:
        """The tokens of each example."""
        return (example.tokens for row in self._rows for example in row)


def _segments(example: Example) -> Ids:
    return np.empty(0, np.int32) if example.segments is None else example.segments


def as_rows(rows: Rows | Sequence[Row]) -> Rows:
    """Rows, of which a list is one kind."""
    return rows if isinstance(rows, Rows) else ListedRows(rows)


def digest_of(arrays: Iterable[Any]) -> str:
    """16 hexadecimal digits that are the same for the same arrays alone."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
