"""Pairs in texts that are longer than a window, counted before anything is learned."""

from __future__ import annotations

from collections.abc import Iterator

from glossator.tasks.kinds.relation_extraction.places import Pair
from glossator.tasks.kinds.relation_extraction.windows import encode_pairs, left_out, marks_of
from glossator.text.findings import Finding, Tally, count_of
from glossator.text.records import Record
from glossator.text.tokenizer import Tokenizer

__all__ = ["LongPairs"]

_CHUNK = 256  # rows that are cut into tokens together


class LongPairs:
    """Counts rows of which a window holds a part alone.

    Args:
        tokenizer: of the model.
        limit: the tokens that fit in one window, special ones left out.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int):
        self._tokenizer, self._limit = tokenizer, limit
        self._marks = marks_of(tokenizer)
        self._pairs: list[tuple[Pair, str]] = []
        self._long, self._apart, self._left_out = Tally(), Tally(), 0

    def add(self, record: Record) -> None:
        """Take in a row."""
        self._pairs.append((record.input, f"{record.row.source}:{record.row.line}"))
        if len(self._pairs) == _CHUNK:
            self._count()

    def findings(self) -> Iterator[Finding]:
        """How many rows are long, and in how many the pair is too far apart."""
        self._count()
        if self._long.count:
            message = (
                f"{count_of(self._long.count, 'row')} longer than {self._limit} tokens: each is "
                f"read once, where head and tail stand; {self._left_out:,} tokens far from both "
                "are not read"
            )
            yield self._long.finding("long_pairs", "info", message)
        if self._apart.count:
            rows = count_of(self._apart.count, "row")
            message = (
                f"{rows} whose head and tail are further apart than {self._limit} tokens: a "
                "stretch round each is read, and not all that is between; a larger --max-length, "
                "or a part of the text with both, shows more"
            )
            yield self._apart.finding("far_apart", "warning", message)

    def _count(self) -> None:
        pairs, places = [pair for pair, _ in self._pairs], [place for _, place in self._pairs]
        most = self._limit + self._tokenizer.specials
        labels = [-1] * len(pairs)
        rows = encode_pairs(self._tokenizer, pairs, labels, self._marks, most) if pairs else []
        for row, place in zip(rows, places, strict=True):
            missing, (first, last) = left_out(self._tokenizer, row), row[0].span
            if missing:
                self._long.add("{}", place)
                self._left_out += missing
            if last - first > self._limit:
                self._apart.add("{}", place)
        self._pairs = []
