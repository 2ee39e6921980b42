"""What an index and a search are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from glossator.errors import ConfigError

__all__ = ["By", "IndexConfig", "Kept", "SearchConfig"]

By: TypeAlias = Literal["words", "vectors", "both"]
"""By what texts are found: the words that they share, what they mean, or both joined."""

Kept: TypeAlias = Literal["text", "windows"]
"""What has a vector: each text, or each window of it."""


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """What of a table is indexed.

    Attributes:
        text: column of the texts that are searched; several, with commas between, are joined. By
            default `text`.
        id: column that names a row, by which it is replaced and removed; by default `id` where
            the table has it, else rows are counted.
        model: a starter name or a model folder whose task has vectors; None indexes words alone.
        vectors: whether a text has one vector, pooled over all its windows, or each window its own.
    """

    text: tuple[str, ...] = ()
    id: str | None = None
    model: str | None = None
    vectors: Kept = "text"


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How texts are found.

    Attributes:
        by: words (BM25), vectors, or both, joined by their ranks; by default both where the index
            has vectors.
        top_k: hits of a query at most.
        candidates: how many of the first are joined, and reranked.
        where: conditions on columns, `lang=zh`, `year>=2020`; a hit meets all of them.
        exact: hold a query against every vector, also where the index has an approximate way.
    """

    by: By | None = None
    top_k: int = 10
    candidates: int = 100
    where: tuple[str, ...] = ()
    exact: bool = False

    def __post_init__(self) -> None:
        if self.by not in (None, "words", "vectors", "both"):
            raise ConfigError(f"--by is {self.by!r}; expected words, vectors or both")
        for name in ("top_k", "candidates"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} must be 1 or more, got {getattr(self, name)}")
