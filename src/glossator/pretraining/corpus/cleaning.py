"""Cleaning as a list of steps, each a small class that can be read by itself."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Literal, Protocol

from glossator.errors import TableError
from glossator.pretraining.corpus.config import CorpusConfig

__all__ = [
    "Boilerplate",
    "ControlCharacters",
    "Length",
    "Repetition",
    "Sentences",
    "Step",
    "StopWords",
    "UnicodeForm",
    "Whitespace",
    "cleaners",
]

Sentences = tuple[str, ...]

# Controls, and marks of zero width that are no part of a word in any script.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_CHINESE = re.compile("[\u3400-\u9fff]")
_SPACES = re.compile(r"\s+")
_RUN = 5
_BOILERPLATE = range(20, 201)  # characters; shorter lines are often names or numbers
_FEWEST_RUNS = 200


class Step(Protocol):
    """Cleans a document."""

    name: str

    def __call__(self, sentences: Sentences) -> Sentences:
        """What is left of the sentences; none where the document goes."""


class UnicodeForm:
    """Brings equal-looking letters into one form."""

    name = "unicode form"

    def __init__(self, form: Literal["nfc", "nfkc"]):
        self._form: Literal["NFC", "NFKC"] = "NFC" if form == "nfc" else "NFKC"

    def __call__(self, sentences: Sentences) -> Sentences:
        return tuple(unicodedata.normalize(self._form, sentence) for sentence in sentences)


class ControlCharacters:
    """Drops characters that show nothing."""

    name = "control characters"

    def __call__(self, sentences: Sentences) -> Sentences:
        return tuple(_CONTROLS.sub("", sentence) for sentence in sentences)


class Whitespace:
    """Makes every run of spaces one, and drops sentences that are nothing else."""

    name = "whitespace"

    def __call__(self, sentences: Sentences) -> Sentences:
        joined = (_SPACES.sub(" ", sentence).strip() for sentence in sentences)
        return tuple(sentence for sentence in joined if sentence)


class Boilerplate:
    """Drops lines that many documents have had: menus, signatures, footers.

    It remembers 8 bytes, and what a dictionary needs around them, of each distinct line of 20 to
    200 characters in a document of several lines. The first documents keep theirs.

    Args:
        often: documents that may have a line.
    """

    name = "boilerplate lines"

    def __init__(self, often: int):
        self._often = often
        self._seen: Counter[int] = Counter()

    def __call__(self, sentences: Sentences) -> Sentences:
        if len(sentences) < 2:
            return sentences
        digests = [_digest(sentence) for sentence in sentences]
        self._seen.update({digest for digest in digests if digest})
        kept = zip(sentences, digests, strict=True)
        return tuple(s for s, digest in kept if self._seen[digest] <= self._often)


class StopWords:
    """Leaves words out, whatever their case; those of Chinese are the ones that rjieba cuts."""

    name = "stop words"

    def __init__(self, words: Collection[str]):
        self._words = {word.casefold() for word in words}

    def __call__(self, sentences: Sentences) -> Sentences:
        kept = (self._without(sentence) for sentence in sentences)
        return tuple(sentence for sentence in kept if sentence)

    def _without(self, sentence: str) -> str:
        words, joint = sentence.split(), " "
        if _CHINESE.search(sentence):
            import rjieba

            words, joint = [word for word, _, _ in rjieba.tokenize(sentence)], ""
        left = joint.join(word for word in words if word.casefold() not in self._words)
        return " ".join(left.split())


class Length:
    """Drops documents with too few characters."""

    name = "too short"

    def __init__(self, characters: int):
        self._characters = characters

    def __call__(self, sentences: Sentences) -> Sentences:
        return sentences if sum(map(len, sentences)) >= self._characters else ()


class Repetition:
    """Drops documents that say the same over and over.

    The fewer of its runs of five characters are distinct, the more a document repeats itself;
    that long texts repeat more is why the first 10,000 characters are looked at alone.

    Args:
        distinct: least share of distinct runs.
    """

    name = "repetition"

    def __init__(self, distinct: float):
        self._distinct = distinct

    def __call__(self, sentences: Sentences) -> Sentences:
        text = " ".join(sentences)[:10_000]
        runs = len(text) - _RUN + 1
        if runs < _FEWEST_RUNS:
            return sentences
        share = len({text[i : i + _RUN] for i in range(runs)}) / runs
        return sentences if share >= self._distinct else ()


def cleaners(config: CorpusConfig) -> tuple[Step, ...]:
    """The steps that a config asks for, in their order.

    Raises:
        TableError: the file of stop words cannot be read.
    """
    steps: list[Step] = []
    if config.unicode_form != "none":
        steps.append(UnicodeForm(config.unicode_form))
    steps += [ControlCharacters(), Whitespace()]
    if config.boilerplate:
        steps.append(Boilerplate(config.boilerplate))
    if config.stop_words:
        steps.append(StopWords(_words(config.stop_words)))
    steps.append(Length(config.min_characters))
    if config.min_distinct:
        steps.append(Repetition(config.min_distinct))
    return tuple(steps)


def _digest(line: str) -> int:
    """64 bits of a line that may be boilerplate; 0 of another."""
    if len(line) not in _BOILERPLATE:
        return 0
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big") or 1


def _words(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").split()
    except OSError as error:
        message = f"the stop words cannot be read: {error.strerror}"
        raise TableError(message, file=path) from None
    except UnicodeDecodeError as error:
        raise TableError(f"the stop words are not UTF-8: {error.reason}", file=path) from None
