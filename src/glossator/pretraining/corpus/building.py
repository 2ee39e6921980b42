"""From files of text to a corpus."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glossator.errors import TableError
from glossator.files import durable_write, new_folder, sha256_file
from glossator.pretraining.corpus.cleaning import Sentences, cleaners
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.corpus import CORPUS, Corpus, open_corpus
from glossator.pretraining.corpus.documents import documents
from glossator.pretraining.corpus.duplicates import ExactDuplicates, NearDuplicates
from glossator.pretraining.corpus.repeats import RepeatedLines
from glossator.pretraining.corpus.shards import ShardWriter
from glossator.pretraining.corpus.statistics import Removals, token_statistics
from glossator.text.decoding import check_file
from glossator.text.findings import count_of
from glossator.text.tokenizer import Ids, Tokenizer

__all__ = ["CleanDocuments", "WordMarker", "build", "made_of"]

# Characters that are tokenized at once.
_CHUNK = 2**20


class WordMarker(Protocol):
    """Tokenizes, and says where words begin; see `words`."""

    def encode(self, sentences: Sequence[str]) -> tuple[list[Ids], list[NDArray[np.bool_]]]:
        """Ids of each sentence, and whether each begins a word."""


class CleanDocuments:
    """The documents of files after every step, without duplicates; counts what was removed.

    Args:
        paths: of the files.
        config: names the steps.
    """

    def __init__(self, paths: Sequence[str], config: CorpusConfig):
        steps = list(cleaners(config))
        if config.duplicates != "none":
            steps.append(ExactDuplicates())
        if config.duplicates == "near":
            steps.append(NearDuplicates(config.near))
        self._paths, self._config = paths, config
        self._steps = [Removals(step) for step in steps]
        self._repeats = RepeatedLines()
        self._documents = self._characters = 0

    def __iter__(self) -> Iterator[Sentences]:
        for document in documents(self._paths, self._config):
            self._documents += 1
            self._characters += document.characters
            sentences = document.sentences
            for step in self._steps:
                sentences = step(sentences)
                if not sentences:
                    break
            else:
                self._repeats.add(sentences)
                yield sentences

    def to_json(self) -> dict[str, Any]:
        """What was read, what each step removed, and which lines are left more than once."""
        read = {
            "files": len(self._paths),
            "documents": self._documents,
            "characters": self._characters,
        }
        return {
            "read": read,
            "steps": [step.to_json() for step in self._steps],
            "repeats": self._repeats.to_json(),
        }


def made_of(
    paths: Sequence[str], tokenizer: Tokenizer, config: CorpusConfig, *, seed: int, words: str
) -> dict[str, Any]:
    """All that the tokens of a corpus hang on.

    Raises:
        TableError: a file is missing or empty, which is told before hours are spent on the others.
    """
    files = [check_file(path) for path in (*paths, *([config.dev] if config.dev else []))]
    for file in files:
        if not file.stat().st_size:
            raise TableError("the file is empty", file=str(file))
    return {
        "file": {
            str(file): {"bytes": file.stat().st_size, "sha256": sha256_file(file)} for file in files
        },
        "option": dataclasses.asdict(config),
        "tokenizer": hashlib.sha256(tokenizer.to_json().encode()).hexdigest()[:16],
        "seed": seed,
        "words": words,
    }


def build(
    paths: Sequence[str],
    marker: WordMarker,
    tokenizer: Tokenizer,
    config: CorpusConfig,
    folder: Path,
    *,
    seed: int,
    ingredients: dict[str, Any],
    progress: Callable[[int], None] = lambda _: None,
) -> Corpus:
    """Write a corpus, whole or not at all; the same files, tokenizer and options, the same bytes.

    Args:
        paths: of the files.
        marker: tokenizes.
        tokenizer: for which.
        config: how to read, clean and split.
        folder: to write.
        seed: of the split.
        ingredients: see `made_of`.
        progress: is told how many documents were kept since the last call.

    Raises:
        TableError: a file cannot be read, or too little is left of all.
        OSError: the disk is full.
    """
    size = tokenizer.vocabulary_size
    dtype = "uint16" if size <= 2**16 else "uint32"
    with new_folder(folder) as temporary:
        with ExitStack() as stack:
            train, dev = (
                stack.enter_context(ShardWriter(temporary, name, dtype, size))
                for name in ("train", "dev")
            )
            clean = CleanDocuments(paths, config)
            share = 0.0 if config.dev else config.dev_fraction
            joint = "\n" if tokenizer.keeps_lines else ""
            write = partial(_write, marker=marker, joint=joint, seed=seed, progress=progress)
            write(clean, (train, dev), share)
            if config.dev:
                plain = dataclasses.replace(config, duplicates="none")
                held_out = CleanDocuments([config.dev], plain)
                write(held_out, (dev, dev), 0.0)
        _check(train, dev, clean)
        statistics = clean.to_json() | {
            "kept": {
                name: {"documents": part.documents, "tokens": part.tokens}
                for name, part in (("train", train), ("dev", dev))
            },
            "tokens": token_statistics(
                train.counts + dev.counts,
                words=train.words + dev.words,
                size=train.bytes + dev.bytes,
                unknown=tokenizer.unknown_id,
                special=tokenizer.special_ids.tolist(),
            ),
        }
        written = {
            "made_of": ingredients,
            "dtype": dtype,
            "parts": {"train": train.to_json(), "dev": dev.to_json()},
            "statistics": statistics,
        }
        durable_write(temporary / CORPUS, json.dumps(written, indent=2, ensure_ascii=False))
    return open_corpus(folder, ingredients)


def _write(
    clean: Iterable[Sentences],
    parts: tuple[ShardWriter, ShardWriter],
    share: float,
    *,
    marker: WordMarker,
    joint: str,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    """Write documents into one of two parts; the last may be moved, so that neither is empty.

    `joint` stands between the sentences of a document.
    """
    train, dev = parts
    for chunk, last in _chunks(clean):
        ids, begins = marker.encode([x for document in chunk for x in _joined(document, joint)])
        place = 0
        for number, document in enumerate(chunk):
            stop = place + len(document)
            held_out = _held_out(document, share, seed)
            if last and number == len(chunk) - 1 and share:
                held_out = held_out if dev.documents and train.documents else not dev.documents
            if sum(map(len, ids[place:stop])):
                size = sum(len(sentence.encode()) for sentence in document)
                (dev if held_out else train).write(ids[place:stop], begins[place:stop], size)
            place = stop
        progress(len(chunk))


def _joined(document: Sentences, joint: str) -> list[str]:
    return [joint * (number > 0) + sentence for number, sentence in enumerate(document)]


def _chunks(clean: Iterable[Sentences]) -> Iterator[tuple[list[Sentences], bool]]:
    """Documents in chunks of some characters, and whether a chunk is the last."""
    chunk: list[Sentences] = []
    characters = 0
    for document in clean:
        if characters > _CHUNK:
            yield chunk, False
            chunk, characters = [], 0
        chunk.append(document)
        characters += sum(map(len, document))
    if chunk:
        yield chunk, True


def _held_out(document: Sentences, share: float, seed: int) -> bool:
    """By the text and the seed alone, so that a document stays where it is in a longer corpus."""
    if not share:
        return False
    key = seed.to_bytes(8, "big")
    digest = hashlib.blake2b("\n".join(document).encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _check(train: ShardWriter, dev: ShardWriter, clean: CleanDocuments) -> None:
    if train.documents and dev.documents:
        return
    read = clean.to_json()["read"]["documents"]
    raise TableError(
        f"{count_of(read, 'document')} read, {train.documents + dev.documents:,} left after "
        "cleaning; at least one is needed to learn from and one to hold out. An empty line ends a "
        "document; --dev names a file of held-out ones"
    )
