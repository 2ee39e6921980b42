"""How a corpus is read and cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glossator.errors import ConfigError

__all__ = ["CorpusConfig"]


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """How a corpus is read and cleaned.

    Attributes:
        column: of JSON Lines and Parquet files that holds a document.
        format: of the files; None reads it off the suffix, and takes an unknown one for text.
        encoding: of the files; None is UTF-8.
        sentences: where a sentence ends: with its line, or also after . ! ? and their like.
        unicode_form: that texts are brought into; nfkc also makes wide letters narrow.
        boilerplate: a line of 20 to 200 characters that so many documents had already is dropped; 0
            keeps all.
        min_characters: a shorter document is dropped.
        min_distinct: a document that repeats itself, of whose runs of 5 characters a smaller share
            is distinct, is dropped; 0 keeps all.
        duplicates: documents that are dropped but for the first: equal ones, or near ones too.
        near: from which share of common runs of 5 words two documents are near.
        stop_words: file of words to leave out, one a line.
        dev: file of the held-out documents; None takes a share of the corpus.
        dev_fraction: that share.
    """

    column: str = "text"
    format: Literal["text", "jsonl", "parquet"] | None = None
    encoding: str | None = None
    sentences: Literal["lines", "punctuation"] = "lines"
    unicode_form: Literal["nfc", "nfkc", "none"] = "nfc"
    boilerplate: int = 50
    min_characters: int = 2
    min_distinct: float = 0.1
    duplicates: Literal["none", "exact", "near"] = "near"
    near: float = 0.8
    stop_words: str | None = None
    dev: str | None = None
    dev_fraction: float = 0.02

    def __post_init__(self) -> None:
        for name, low, high in (
            ("boilerplate", 0, 2**40),
            ("min_characters", 0, 2**40),
            ("min_distinct", 0, 1),
            ("near", 0.3, 1),
            ("dev_fraction", 1e-6, 0.5),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} must be from {low} to {high}, got {value}")
