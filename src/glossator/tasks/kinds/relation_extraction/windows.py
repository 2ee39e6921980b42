"""A text and the pair in it as the one window that a model reads.

Zhou and Chen 2021, "An improved baseline for sentence-level relation extraction" (entity marker,
punct): marks of the vocabulary's own stand round head and tail, one for each, so that no token is
new and the direction is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from glossator.errors import ConfigError
from glossator.tasks.kinds.relation_extraction.places import Pair, Place
from glossator.tasks.learnable import Encoded, Example
from glossator.tasks.texts import single
from glossator.text.tokenizer import Ids, Tokenizer

__all__ = ["MARKS", "encode_pairs", "kept", "left_out", "marks_of", "refuse_short"]

MARKS = 4
"""Tokens that a pair adds to its text."""

# The first two that a vocabulary has, each as one piece; those of the paper first.
_USUAL = "@#$*^%&=+~|/<>:;!?-'.,"
# Of both pieces of a pair that are far apart: its marks and a token between them.
_LEAST = 8

Runs: TypeAlias = list[tuple[int, int]]
"""Half-open runs of tokens."""


def marks_of(tokenizer: Tokenizer) -> tuple[str, str]:
    """The marks of head and tail, characters that the vocabulary has as a piece each.

    Raises:
        ConfigError: it has fewer than two.
    """
    found = [mark for mark in _USUAL if _mark_ids(tokenizer, mark) is not None]
    if len(found) < 2:
        raise ConfigError(
            f"the vocabulary has {len(found)} of the marks {_USUAL} that stand round head and "
            "tail; expected two or more"
        )
    return found[0], found[1]


def refuse_short(tokenizer: Tokenizer, max_length: int) -> None:
    """Refuse a window without room for a pair.

    Raises:
        ConfigError: there is none beside the special tokens.
    """
    room = max_length - tokenizer.specials
    if room < _LEAST:
        raise ConfigError(
            f"a window of {max_length} tokens has room for {room} beside the special ones; "
            f"expected {_LEAST} or more, for a head and a tail with marks round them"
        )


def encode_pairs(
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    labels: Sequence[int],
    marks: tuple[str, str],
    max_length: int,
) -> list[Encoded]:
    """One window a pair, with the places of the marks that open head and tail, and a label.

    Args:
        tokenizer: of the model's vocabulary.
        pairs: N texts with head and tail.
        labels: of each, -1 for an unknown one.
        marks: of head and tail, see `marks_of`.
        max_length: tokens of a window at most, special tokens counted.
    """
    ids = [_known(tokenizer, mark) for mark in marks]
    cut = [_cut(pair) for pair in pairs]
    found = tokenizer.encode_words([[segment] for segments, _ in cut for segment in segments])
    # Each segment is read as after a space; a piece that only marks that space says nothing.
    read = iter([tokens[tokenizer.shows(tokens)] for tokens, _ in found])
    limit, rows = max_length - tokenizer.specials, []
    for number, ((_, marked), label) in enumerate(zip(cut, labels, strict=True)):
        parts = [next(read) for _ in range(MARKS + 1)]
        tokens, places = _joined(parts, [ids[side] for side, _ in marked])
        head, tail = (_span(side, marked, places) for side in (0, 1))
        runs = kept(len(tokens), head, tail, limit)
        chosen = np.concatenate([np.arange(*run) for run in runs])
        opened = np.searchsorted(chosen, (head[0], tail[0])) + tokenizer.specials_before
        window = tokenizer.wrap(tokens[chosen])
        span = (runs[0][0], runs[-1][1])
        example = Example(window, span, (opened.astype(np.int64), single(label)), row=number)
        rows.append(Encoded((example,), len(tokens) - MARKS, 1))
    return rows


def left_out(tokenizer: Tokenizer, row: Encoded) -> int:
    """Tokens of a row's text that its window does not hold."""
    return row.n_tokens + MARKS - (len(row[0].tokens) - tokenizer.specials)


def kept(length: int, head: Place, tail: Place, limit: int) -> Runs:
    """Which tokens a window holds: both pieces with what is between, or a stretch round each.

    What room there is goes to both sides alike. Of a piece longer than its stretch the beginning
    and the mark that closes it are kept.

    Args:
        length: tokens of the text, marks counted.
        head: half-open tokens of the head, its marks counted; so is `tail`.
        limit: tokens of a window at most.

    Returns:
        runs in rising order that do not touch, `limit` tokens or fewer in all.
    """
    if length <= limit:
        return [(0, length)]
    first, last = min(head[0], tail[0]), max(head[1], tail[1])
    if last - first <= limit:
        return [_around(first, last, limit, length)]
    flags = np.zeros(length + 2, bool)  # with a place before the first token and after the last
    for (start, stop), share in zip(
        sorted((head, tail)), (limit // 2, limit - limit // 2), strict=True
    ):
        if stop - start > share:
            flags[start + 1 : start + share] = flags[stop] = True
        else:
            a, b = _around(start, stop, share, length)
            flags[a + 1 : b + 1] = True
    edges = np.flatnonzero(np.diff(flags))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _around(start: int, stop: int, room: int, length: int) -> tuple[int, int]:
    """A run of `room` tokens, `start` to `stop` in its middle, or as far as the text goes."""
    before = min(start, (room - (stop - start)) // 2)
    first = max(0, min(start - before, length - room))
    return first, first + room


def _cut(pair: Pair) -> tuple[list[str], list[tuple[int, bool]]]:
    """The segments between the marks, and of each mark its side and whether it opens."""
    assert pair.head is not None
    assert pair.tail is not None
    marks = []
    for side, (start, stop) in enumerate((pair.head, pair.tail)):
        # Where several stand together, closing ones go first, and the outer piece is outside.
        marks.append((start, 1, start - stop, side))
        marks.append((stop, 0, stop - start, side))
    marks.sort()
    cuts = [0, *(place for place, *_ in marks), len(pair.text)]
    segments = [pair.text[a:b].strip() for a, b in itertools.pairwise(cuts)]
    return segments, [(side, bool(opens)) for _, opens, _, side in marks]


def _joined(parts: Sequence[Ids], marks: Sequence[int]) -> tuple[Ids, NDArray[np.int64]]:
    """The tokens of a text with its marks, and (4,) where these stand."""
    pieces = [parts[0]]
    for mark, part in zip(marks, parts[1:], strict=True):
        pieces += [np.array([mark], np.int32), part]
    places = np.cumsum([len(part) + 1 for part in parts[:-1]]) - 1
    return np.concatenate(pieces), places


def _span(side: int, marked: Sequence[tuple[int, bool]], places: NDArray[np.int64]) -> Place:
    """Half-open tokens of head (0) or tail (1), its marks counted."""
    return int(places[marked.index((side, True))]), int(places[marked.index((side, False))]) + 1


def _known(tokenizer: Tokenizer, mark: str) -> int:
    found = _mark_ids(tokenizer, mark)
    if found is None:
        raise ConfigError(f"the mark {mark!r} is not one piece of the vocabulary")
    return found


def _mark_ids(tokenizer: Tokenizer, mark: str) -> int | None:
    """The piece that a mark is; None where it is none, or several."""
    ((ids, _),) = tokenizer.encode_words([[mark]])
    shown = ids[tokenizer.shows(ids)]
    return int(shown[0]) if len(shown) == 1 and shown[0] != tokenizer.unknown_id else None
