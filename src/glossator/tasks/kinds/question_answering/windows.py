"""Questions with the windows of their contexts, as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glossator.errors import InputError
from glossator.tasks.kinds.question_answering.gold import Gold, Place
from glossator.tasks.learnable import ArraySpec, Encoded, Example
from glossator.text.characters import begins_inside_character
from glossator.text.findings import count_of
from glossator.text.records import Record
from glossator.text.tokenizer import Ids, Tokenizer
from glossator.text.windows import windows

__all__ = ["SPECS", "WindowLayout"]

Numbers = NDArray[np.int64]

# Places in a window at which an answer may begin or end, the null place first; and the place of the
# context with the numbers of the right beginning and end among these: 0 where it has none.
SPECS = (ArraySpec("starts", "own"), ArraySpec("ends", "own"), ArraySpec("goal", "text"))
_NULL = 0  # place of the first token, which stands for "there is no answer in this window"
_SHOWN = 3


@dataclass(frozen=True)
class _Context:
    """A context in tokens.

    Attributes:
        ids: (n,).
        offsets: (n, 2) half-open characters of each token.
        starts: numbers of the tokens that an answer may begin with, rising.
        ends: numbers of those that it may end with, rising.
    """

    ids: Ids
    offsets: Numbers
    starts: Numbers
    ends: Numbers

    @classmethod
    def of(cls, text: str, ids: Ids, offsets: Numbers) -> _Context:
        """Of a text; no answer may begin or end inside a character, or show nothing."""
        shown = np.flatnonzero(offsets[:, 0] < offsets[:, 1])
        starts, ends = offsets[shown].T
        first = np.append(True, starts[1:] != starts[:-1])[: len(shown)]
        last = np.append(ends[1:] != ends[:-1], True)[: len(shown)]
        if not text.isascii():
            first &= _whole(text, starts)
            last &= _whole(text, ends)
        return cls(ids, offsets, shown[first], shown[last])

    def tokens_of(self, place: Place) -> Place | None:
        """The first and the last token of an answer: the fewest that hold all of it."""
        begins, stops = self._edges
        first = int(np.searchsorted(begins, place[0], side="right")) - 1
        last = int(np.searchsorted(stops, place[1], side="left"))
        if first < 0 or last >= len(stops) or self.starts[first] > self.ends[last]:
            return None
        return int(self.starts[first]), int(self.ends[last])

    @cached_property
    def _edges(self) -> tuple[Numbers, Numbers]:
        return self.offsets[self.starts, 0], self.offsets[self.ends, 1]


@dataclass(frozen=True)
class WindowLayout:
    """How a question and its context are laid out.

    The question stands whole in each window.

    Attributes:
        tokenizer: of the model's vocabulary.
        max_length: tokens of a window at most, special tokens counted.
        overlap: tokens that neighbouring windows share at least; half a window at most.
    """

    tokenizer: Tokenizer
    max_length: int
    overlap: int

    @property
    def longest_question(self) -> int:
        """Tokens of a question at most: a quarter of a window is left to the context."""
        room = self.max_length - self.tokenizer.pair_specials
        return room - max(1, room // 4)

    def refusal(self, question: str) -> str | None:
        """Why a question cannot stand in a window, if it cannot."""
        if len(question.encode("utf-8", "replace")) < self.longest_question:
            return None  # no token is less than a byte, but for one that marks a space
        return self._refusal(len(self.tokenizer.encode([question])[0]))

    def _refusal(self, count: int) -> str | None:
        if count <= self.longest_question:
            return None
        return (
            f"the question has {count_of(count, 'token')}; a window of {self.max_length} has room "
            f"for {self.longest_question} beside the context; shorten it"
        )

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The windows of each row; the offsets of a row are those of the context's tokens.

        Raises:
            InputError: questions are too long; the message names the first of them.
        """
        questions = self.tokenizer.encode([record.input.question for record in records])
        self._refuse_long(records, questions)
        texts = list(dict.fromkeys(record.input.context for record in records))
        contexts = {
            text: _Context.of(text, ids, offsets.astype(np.int64))
            for text, (ids, offsets) in zip(
                texts, self.tokenizer.encode_with_offsets(texts), strict=True
            )
        }
        return [
            self._row(number, question, contexts[record.input.context], record.target)
            for number, (record, question) in enumerate(zip(records, questions, strict=True))
        ]

    def _refuse_long(self, records: Sequence[Record], questions: Sequence[Ids]) -> None:
        why = [
            f"{record.row.source}:{record.row.line}: {reason}"
            for record, question in zip(records, questions, strict=True)
            if (reason := self._refusal(len(question)))
        ]
        if why:
            more = [f"and {len(why) - _SHOWN:,} more"] if len(why) > _SHOWN else []
            raise InputError("; ".join([*why[:_SHOWN], *more, "or raise --max-length"]))

    def _row(self, number: int, question: Ids, context: _Context, gold: Gold | None) -> Encoded:
        room = self.max_length - self.tokenizer.pair_specials - len(question)
        spans = windows(len(context.ids), room, min(self.overlap, room // 2))
        places = () if gold is None else gold.places
        right = [tokens for place in places if (tokens := context.tokens_of(place))]
        first = self.tokenizer.second_place(len(question))
        examples = []
        for a, b in spans:
            ids = context.ids[a:b]
            wrapped = self.tokenizer.wrap(question, ids)
            segments = self.tokenizer.segments(len(question), len(ids))
            arrays = _arrays(context, right, (a, b), first)
            examples.append(Example(wrapped, (a, b), arrays, segments, 1 / len(spans), number))
        total = len(question) + len(context.ids)
        return Encoded(tuple(examples), total, len(examples), context.offsets)


def _whole(text: str, places: Numbers) -> NDArray[np.bool_]:
    """(n,) whether each place is between two characters."""
    return np.array([not begins_inside_character(text, place) for place in places.tolist()], bool)


def _arrays(
    context: _Context, right: Sequence[Place], window: Place, first: int
) -> tuple[Numbers, Numbers, Numbers]:
    """The arrays of a window, see `SPECS`; the first answer that it holds whole is learned."""
    (a, b), sides = window, []
    for tokens in (context.starts, context.ends):
        inside = tokens[np.searchsorted(tokens, a) : np.searchsorted(tokens, b)]
        sides.append(np.append(_NULL, inside - a + first))
    held = next(((s, e) for s, e in right if a <= s and e < b), None)
    goal = [first, 0, 0]
    if held is not None:
        goal[1:] = (
            int(np.searchsorted(side[1:], token - a + first)) + 1
            for side, token in zip(sides, held, strict=True)
        )
    return sides[0], sides[1], np.array(goal, np.int64)
