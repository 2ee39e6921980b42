"""Documents cut into rows of a constant number of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glossator.pretraining.corpus.corpus import SENTENCE, WORD, Part
from glossator.tasks.learnable import Example
from glossator.text.tokenizer import Tokenizer
from glossator.training.randomness import shuffled
from glossator.training.rows import Row, Rows, digest_of

__all__ = ["SENTENCE", "SPECIAL", "WORD", "CorpusRows", "MarkedExample", "SomeRows", "marks_of"]

Marks = NDArray[np.uint8]

# A further bit of a token's marks: it is no part of the text.
SPECIAL = 4

# A piece that closes a row has at least so many tokens of its document, if the document has them:
# fewer are hardly a context.
_LEAST = 16


@dataclass(frozen=True, slots=True)
class MarkedExample(Example):
    """A piece of a document.

    Attributes:
        marks: (n,) what each token begins, `SPECIAL` for special tokens.
    """

    marks: Marks = field(default_factory=lambda: np.zeros(0, np.uint8))


class CorpusRows(Rows):
    """Rows of at most `length` tokens, special ones counted, cut from documents in their order.

    A row is filled with pieces, each a text of its own; a document that does not fit is cut, and
    goes on in the next row. A step over equally many rows is thus one over equally many tokens,
    without padding.

    Args:
        part: of the corpus.
        tokenizer: puts the special tokens on.
        length: tokens of a row.
        ends: a token that stands at both ends of every document, in the place of the special ones
            around every piece.
    """

    def __init__(self, part: Part, tokenizer: Tokenizer, length: int, *, ends: int | None = None):
        self._part, self._tokenizer, self._length, self._end = part, tokenizer, length, ends
        self._around = tokenizer.specials if ends is None else 0
        lengths = part.lengths if ends is None else part.lengths + 2
        self._pieces, self._ends = _cut(lengths, length, self._around)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> Row:
        first = 0 if number == 0 else int(self._ends[number - 1])
        return [
            self._example(*piece) for piece in self._pieces[first : self._ends[number]].tolist()
        ]

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        _, starts, stops = self._pieces.T
        return int((stops - starts).sum()) + len(self._pieces) * self._around

    def digest(self) -> str:
        """The same for the same corpus and length alone."""
        end = "" if self._end is None else f" {self._end}"
        return digest_of([f"{self._part.digest} {self._length}{end}".encode()])

    def vocabulary(self) -> None:
        """Any token may be asked for by the output layer."""

    def _example(self, document: int, start: int, stop: int) -> MarkedExample:
        if self._end is not None:
            return self._with_ends(self._end, document, start, stop)
        piece = self._part.piece(document, start, stop)
        tokens = self._tokenizer.wrap(piece.tokens)
        before = self._tokenizer.specials_before
        marks = np.full(len(tokens), SPECIAL, np.uint8)
        marks[before : before + len(piece.marks)] = piece.marks
        return MarkedExample(tokens, (start, stop), marks=marks)

    def _with_ends(self, end: int, document: int, start: int, stop: int) -> MarkedExample:
        """The piece from `start` to `stop` of a document with its end tokens."""
        size = int(self._part.lengths[document])
        first, last = max(0, start - 1), min(size, stop - 1)
        piece = self._part.piece(document, first, last)
        before, after = (
            np.full(int(at_end), end, np.int32) for at_end in (start == 0, stop == size + 2)
        )
        tokens = np.concatenate([before, piece.tokens, after])
        special = [np.full(len(ends), SPECIAL, np.uint8) for ends in (before, after)]
        marks = np.concatenate([special[0], piece.marks, special[1]])
        return MarkedExample(tokens, (start, stop), marks=marks)


class SomeRows(Rows):
    """A random choice of the rows of others, in their order.

    Args:
        rows: to choose from.
        tokens: about so many, or all.
        seed: of the choice.
    """

    def __init__(self, rows: Rows, tokens: int, seed: int):
        count = max(1, round(len(rows) * min(1.0, tokens / max(1, rows.tokens))))
        self._rows, self._numbers = rows, sorted(shuffled(len(rows), seed)[:count].tolist())

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Row:
        return self._rows[self._numbers[number]]

    @property
    def tokens(self) -> int:
        """Tokens of all rows, about."""
        return self._rows.tokens * len(self) // len(self._rows)

    def digest(self) -> str:
        """The same for the same choice alone."""
        return digest_of([self._rows.digest().encode(), np.array(self._numbers)])

    def vocabulary(self) -> None:
        """Any token may be asked for by the output layer."""


def marks_of(examples: Sequence[Example]) -> Marks:
    """(T,) the marks of examples, one after another; an example of weight 0 is all special."""
    parts = [
        example.marks
        if isinstance(example, MarkedExample) and example.weight
        else np.full(len(example.tokens), SPECIAL, np.uint8)
        for example in examples
    ]
    return np.concatenate(parts)


def _cut(
    lengths: NDArray[np.int64], length: int, specials: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(pieces, 3) document, start and stop of each piece; (rows,) pieces up to the end of each."""
    pieces: list[tuple[int, int, int]] = []
    ends: list[int] = []
    room = length
    for document, total in enumerate(lengths.tolist()):
        start = 0
        while start < total:
            if room - specials < min(_LEAST, total - start, length - specials):
                ends.append(len(pieces))
                room = length
            stop = min(total, start + room - specials)
            pieces.append((document, start, stop))
            room -= stop - start + specials
            start = stop
    if pieces and (not ends or ends[-1] < len(pieces)):
        ends.append(len(pieces))
    return np.array(pieces, np.int64).reshape(-1, 3), np.array(ends, np.int64)
