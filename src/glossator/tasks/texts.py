"""A text, or a pair of texts, as the windows that a model reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.errors import ConfigError
from glossator.tasks.learnable import Encoded, Example
from glossator.text.tokenizer import Ids, Tokenizer
from glossator.text.windows import windows

__all__ = ["OVERLAP", "encode_texts", "refuse_short", "single", "windows_of"]

# Neighbouring windows share a quarter, so that what decides a text stands whole in one of them.
OVERLAP = 0.25

Arrays = tuple[NDArray[Any], ...]
Window = tuple[Ids, tuple[int, int], Ids | None]


def refuse_short(tokenizer: Tokenizer, max_length: int, *, pair: bool = False) -> None:
    """Refuse a window without room for a token of each text.

    Raises:
        ConfigError: there is none beside the special tokens.
    """
    specials = tokenizer.pair_specials if pair else tokenizer.specials
    if max_length < specials + 1 + pair:
        raise ConfigError(
            f"a window of {max_length} tokens has no room beside the {specials} special ones"
        )


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[tuple[str, ...]],
    arrays: Sequence[Arrays],
    max_length: int,
) -> list[Encoded]:
    """The windows of N rows, each of one text or of two that are read together.

    A text longer than `max_length` is read in overlapping windows. Of a long pair each window has
    a part of both: a short side stands whole in each, two long ones go side by side from their
    beginnings to their ends, so that every token of both is read.

    Args:
        tokenizer: of the model's vocabulary.
        texts: of each row, one or two.
        arrays: of each row's examples, all alike.
        max_length: tokens of a window at most, special tokens counted.
    """
    flat = tokenizer.encode([text for row in texts for text in row])
    parts = iter(flat)
    rows = []
    for number, row in enumerate(texts):
        ids = [next(parts) for _ in row]
        cut = windows_of(tokenizer, ids, max_length)
        weight = 1 / len(cut)
        examples = tuple(
            Example(tokens, span, arrays[number], segments, weight, number)
            for tokens, span, segments in cut
        )
        rows.append(Encoded(examples, sum(map(len, ids)), len(examples)))
    return rows


def single(value: int | float, dtype: Any = np.int64) -> NDArray[Any]:
    """() a number as the array of an example."""
    return np.asarray(value, dtype=dtype)


def windows_of(tokenizer: Tokenizer, ids: Sequence[Ids], max_length: int) -> list[Window]:
    """The windows of a text, or of a pair; see `encode_texts`.

    Args:
        tokenizer: of the model's vocabulary.
        ids: of one text or of two, without special tokens.
        max_length: tokens of a window at most, special tokens counted.

    Returns:
        of each window its tokens, the place in the first text, and the segments of a pair.
    """
    made = _pair if len(ids) > 1 else _one
    return list(made(tokenizer, ids, max_length))


def _one(tokenizer: Tokenizer, ids: Sequence[Ids], max_length: int) -> Iterator[Window]:
    (text,) = ids
    limit = max_length - tokenizer.specials
    for a, b in windows(len(text), limit, int(limit * OVERLAP)):
        yield tokenizer.wrap(text[a:b]), (a, b), None


def _pair(tokenizer: Tokenizer, ids: Sequence[Ids], max_length: int) -> Iterator[Window]:
    first, second = ids
    room = max_length - tokenizer.pair_specials
    limits = _shares(len(first), len(second), room)
    spans = [
        windows(len(side), limit, min(limit - 1, int(limit * OVERLAP)))
        for side, limit in zip(ids, limits, strict=True)
    ]
    count = max(map(len, spans))
    for number in range(count):
        (a, b), (c, d) = (side[_place(number, count, len(side))] for side in spans)
        one, other = first[a:b], second[c:d]
        yield tokenizer.wrap(one, other), (a, b), tokenizer.segments(len(one), len(other))


def _shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many of `room` tokens each side of a pair may have in a window, 1 or more each."""
    half = room // 2
    if first + second <= room:
        return max(1, first), max(1, second)
    if first <= half:
        return max(1, first), room - max(1, first)
    if second <= half:
        return room - max(1, second), max(1, second)
    return half, room - half


def _place(number: int, count: int, length: int) -> int:
    """Which of `length` windows goes with the `number`-th of `count`."""
    return 0 if count == 1 else round(number * (length - 1) / (count - 1))
