"""Texts whose words are answered, as the windows that a model reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.tasks.kinds.entities.reading import SplitText
from glossator.tasks.kinds.entities.words import Place
from glossator.tasks.learnable import Encoded, Example
from glossator.tasks.texts import OVERLAP
from glossator.text.tagging import Span
from glossator.text.tokenizer import Ids, Tokenizer

__all__ = [
    "Numbers",
    "Scored",
    "answered_words",
    "best_placed",
    "encode_words",
    "kept_words",
    "placed",
]

Numbers = NDArray[np.int64]

Scored = tuple[Span, float]
"""An entity by the words of a row, and its probability."""


def encode_words(
    tokenizer: Tokenizer, texts: Sequence[SplitText], targets: Sequence[Numbers], max_length: int
) -> list[Encoded]:
    """The windows of N texts; each holds whole words, and a word is read off its first token.

    The arrays of an example are the places of these tokens in it, their targets, and the share of
    each word: 1 over the windows that it stands in. `Encoded.offsets` has the words.

    Args:
        tokenizer: of the model's vocabulary.
        texts: the texts.
        targets: for each text the target of each of its words.
        max_length: tokens of a window at most, special tokens counted.
    """
    found = tokenizer.encode_words([[x.text[a:b] for a, b in x.places] for x in texts])
    rows = []
    for number, (words, (ids, owners), goal) in enumerate(zip(texts, found, targets, strict=True)):
        # Where a vocabulary has no piece for a space and a character (most Chinese ones), each word
        # would begin with one for the space alone: it says nothing, and doubles the text.
        shown = tokenizer.shows(ids)
        ids, owners = ids[shown], owners[shown]
        kept, firsts = np.unique(owners, return_index=True)
        offsets = np.array(words.places, np.int64).reshape(-1, 2)[kept]
        examples = _windows(tokenizer, ids, firsts, goal[kept], max_length, number)
        rows.append(Encoded(tuple(examples), len(ids), len(examples), offsets))
    return rows


def kept_words(row: Encoded) -> list[Numbers]:
    """The numbers of the words that each example of a row answers."""
    starts = [example.span[0] for example in row]
    counts = [len(example.arrays[0]) for example in row]
    return [np.arange(start, start + count) for start, count in zip(starts, counts, strict=True)]


def answered_words(places: Sequence[Place], row: Encoded) -> Numbers:
    """The numbers of the words of a text that a row answers: those that have a token.

    Args:
        places: of the words of the text.
        row: of that text.
    """
    assert row.offsets is not None
    return np.searchsorted([start for start, _ in places], row.offsets[:, 0])


def best_placed(row: Encoded, answers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """(U, ...) of each word, from the window in which it is furthest from an end.

    Args:
        row: of U words.
        answers: (n, ...) of the words of each window.
    """
    if len(answers) == 1:
        return answers[0]
    assert row.offsets is not None
    chosen = np.empty((len(row.offsets), *answers[0].shape[1:]), answers[0].dtype)
    context = np.full(len(row.offsets), -1)
    for places, answer in zip(kept_words(row), answers, strict=True):
        here = np.minimum(places - places[0], places[-1] - places)
        better = here > context[places]
        chosen[places[better]], context[places[better]] = answer[better], here[better]
    return chosen


def placed(row: Encoded, found: Sequence[Scored]) -> list[Scored]:
    """Entities by words as entities by the characters of the text."""
    offsets = row.offsets
    assert offsets is not None
    return [
        (Span(int(offsets[x.start, 0]), int(offsets[x.end - 1, 1]), x.label), score)
        for x, score in found
    ]


def _windows(
    tokenizer: Tokenizer, ids: Ids, firsts: Numbers, goal: Numbers, max_length: int, number: int
) -> list[Example]:
    """Windows of whole words; the span of an example counts words."""
    limit = max_length - tokenizer.specials
    ends = np.append(firsts[1:], len(ids))
    cuts = list(_cuts(firsts, ends, limit))
    times = np.zeros(len(firsts))
    for first, last in cuts:
        times[first:last] += 1
    before = tokenizer.specials_before
    examples = []
    for first, last in cuts:
        start = int(firsts[first]) if len(firsts) else 0
        # A single word may be longer than a window; it is read off its first token.
        stop = min(int(ends[last - 1]), start + limit) if len(firsts) else 0
        arrays = (
            firsts[first:last] - start + before,
            goal[first:last],
            (1 / times[first:last]).astype(np.float32),
        )
        tokens = tokenizer.wrap(ids[start:stop])
        examples.append(Example(tokens, (first, last), arrays, row=number))
    return examples


def _cuts(firsts: Numbers, ends: Numbers, limit: int) -> Iterator[tuple[int, int]]:
    """Half-open runs of words of at most `limit` tokens that share a quarter with the next."""
    count, first = len(firsts), 0
    while True:
        start = firsts[first] if count else 0
        last = max(first + 1, int(np.searchsorted(ends, start + limit, side="right")))
        yield first, min(last, count)
        if last >= count:
            return
        shared = int(np.searchsorted(firsts, ends[last - 1] - OVERLAP * limit, side="left"))
        first = min(max(shared, first + 1), last)
