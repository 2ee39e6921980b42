"""Documents cut into pairs of neighbouring stretches, at the borders of their sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glossator.pretraining.corpus.corpus import Part, Piece
from glossator.pretraining.rows import SPECIAL, MarkedExample
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import Row, Rows, digest_of

__all__ = ["PairExample", "PairRows", "SentencePairs", "wrapped"]

# A pair that closes a row has at least so many tokens of its document, if the document has them:
# fewer are hardly a context.
_LEAST = 16
# A stretch from elsewhere is about as long as the one whose place it takes, or its length tells.
_LIKE = 0.1
_TRIES = 16


class SentencePairs:
    """The pairs of a part of a corpus: where each begins, is divided, and ends.

    Args:
        part: of the corpus.
        places: (P, 4) document, start, middle and stop of each, in the order of the documents; a
            sentence that stands alone has its middle at its stop.
        longest: most tokens of a pair, special ones left out.
    """

    def __init__(self, part: Part, places: NDArray[np.int64], longest: int):
        self._part, self.places, self._longest = part, places, longest
        documents, _, middles, stops = places.T
        self._documents, self._sizes = documents, stops - middles
        self._paired = np.flatnonzero(self._sizes)
        order = np.argsort(self._sizes[self._paired], kind="stable")
        self._by_size = self._paired[order]
        self._risen = self._sizes[self._by_size]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def paired(self) -> int:
        """How many are pairs, and not a sentence that stands alone."""
        return len(self._paired)

    @property
    def documents(self) -> int:
        """Of how many documents there are pairs."""
        return len(np.unique(self._documents[self._paired]))

    @property
    def alone(self) -> int:
        """How many documents have no pair."""
        return len(np.unique(self._documents)) - self.documents

    def is_pair(self, number: int) -> bool:
        """Whether it is a pair, and no sentence that stands alone."""
        return bool(self._sizes[number])

    def first(self, number: int) -> Piece:
        """What comes first in a pair, or the sentence that stands alone."""
        document, start, middle, _ = self.places[number].tolist()
        return self._part.piece(document, start, middle)

    def second(self, number: int) -> Piece:
        """What follows it there; empty for a sentence that stands alone."""
        document, _, middle, stop = self.places[number].tolist()
        return self._part.piece(document, middle, stop)

    def elsewhere(self, number: int, random: np.random.Generator) -> Piece:
        """What follows something else, in another document, about as long as what follows here.

        Args:
            number: of a pair; some other document has one too.
            random: draws.
        """
        size, (_, start, middle, _) = int(self._sizes[number]), self.places[number].tolist()
        room = self._longest - (middle - start)
        low = np.searchsorted(self._risen, size * (1 - _LIKE))
        high = np.searchsorted(self._risen, min(size * (1 + _LIKE), room), side="right")
        for _ in range(_TRIES):
            found = int(self._by_size[random.integers(low, high)])
            if self._documents[found] != self._documents[number]:
                return self.second(found)
        others = self._paired[self._documents[self._paired] != self._documents[number]]
        piece = self.second(int(others[np.abs(self._sizes[others] - size).argmin()]))
        return Piece(piece.tokens[:room], piece.marks[:room])


@dataclass(frozen=True, slots=True)
class PairExample(MarkedExample):
    """A pair as it stands in its document, or a sentence that stands alone.

    Attributes:
        number: of the pair.
        pairs: among which.
    """

    number: int = -1
    pairs: SentencePairs | None = None


class PairRows(Rows):
    """Rows of at most `length` tokens, special ones counted, of pairs in the documents' order.

    A pair is as many sentences as the row still has room for, at least two, divided after one of
    them. Nothing is left out: a sentence longer than half a row may be cut, and a document's only
    one, one that is left over at its end, or a part of a long one stands alone.

    Args:
        part: of the corpus.
        tokenizer: puts the special tokens on.
        length: tokens of a row.

    Source: Devlin et al. 2018, "BERT", section A.2, without its cutting off of what is too long.
    """

    def __init__(self, part: Part, tokenizer: Tokenizer, length: int):
        self._part, self._tokenizer, self._length = part, tokenizer, length
        places, self._ends = _cut(part, length, tokenizer.pair_specials)
        self.pairs = SentencePairs(part, places, length - tokenizer.pair_specials)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> Row:
        first = 0 if number == 0 else int(self._ends[number - 1])
        return [self._example(pair) for pair in range(first, int(self._ends[number]))]

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        _, starts, _, stops = self.pairs.places.T
        alone = len(self.pairs) - self.pairs.paired
        around = self.pairs.paired * self._tokenizer.pair_specials
        return int((stops - starts).sum()) + around + alone * self._tokenizer.specials

    def digest(self) -> str:
        """The same for the same corpus and length alone."""
        return digest_of([f"{self._part.digest} {self._length} pairs".encode()])

    def vocabulary(self) -> None:
        """Any token may be asked for by the output layer."""

    def _example(self, number: int) -> PairExample:
        made = wrapped(self._tokenizer, self.pairs.first(number), self.pairs.second(number))
        _, start, _, stop = self.pairs.places[number].tolist()
        return PairExample(
            made.tokens,
            (start, stop),
            segments=made.segments,
            marks=made.marks,
            number=number,
            pairs=self.pairs,
        )


def wrapped(tokenizer: Tokenizer, first: Piece, second: Piece) -> MarkedExample:
    """Two pieces as one text with special tokens; an empty second one is left out."""
    one, two = len(first.tokens), len(second.tokens)
    tokens = tokenizer.wrap(first.tokens, second.tokens if two else None)
    marks = np.full(len(tokens), SPECIAL, np.uint8)
    before = tokenizer.specials_before
    marks[before : before + one] = first.marks
    if two:
        place = tokenizer.second_place(one)
        marks[place : place + two] = second.marks
    segments = tokenizer.segments(one, two) if two else None
    return MarkedExample(tokens, (0, one + two), segments=segments, marks=marks)


def _cut(part: Part, length: int, specials: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P, 4) places of pairs, see `SentencePairs`; (rows,) pairs up to the end of each row."""
    places: list[tuple[int, int, int, int]] = []
    ends: list[int] = []
    room, random = length, np.random.default_rng(0)
    for document, total in enumerate(part.lengths.tolist()):
        sentences = part.sentences(document)
        borders = _borders(sentences, total, (length - specials) // 2)
        first, last = 0, len(borders) - 1
        while first < last:
            start, rest = int(borders[first]), total - int(borders[first])
            two = int(borders[min(first + 2, last)]) - start
            if max(two, min(_LEAST, rest, length - specials)) + specials > room:
                ends.append(len(places))
                room = length
            stop = int(np.searchsorted(borders, start + room - specials, side="right")) - 1
            # Rather shorter, than that the last sentence is left alone.
            stop -= stop == last - 1 and stop - first > 2
            end = int(borders[stop])
            low, high = np.searchsorted(sentences, (start + 1, end))
            middle = int(sentences[random.integers(low, high)]) if high > low else end
            places.append((document, start, middle, end))
            room -= end - start + specials
            first = stop
    if len(places) > (ends[-1] if ends else 0):
        ends.append(len(places))
    return np.array(places, np.int64).reshape(-1, 4), np.array(ends, np.int64)


def _borders(starts: NDArray[np.int64], total: int, longest: int) -> NDArray[np.int64]:
    """Where sentences begin, and the last one ends; one that is too long has more of them."""
    borders = np.append(starts, total)
    if np.diff(borders).max(initial=0) <= longest:
        return borders
    return np.array([*_close(borders.tolist(), longest), total], np.int64)


def _close(borders: list[int], longest: int) -> Iterator[int]:
    for start, stop in itertools.pairwise(borders):
        yield from range(start, stop, longest)
