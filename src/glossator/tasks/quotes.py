"""Texts of the data that a report shows: the worst mistakes, kept while rows stream by."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from glossator.evaluation.figures import Mark, Quote
from glossator.text.records import Record

__all__ = ["FirstQuotes", "WorstQuotes", "quote_of"]

_KEPT = 50
_FIRST = 5


class WorstQuotes:
    """Keeps the quotes with the highest weight, and of equal ones the first.

    Args:
        count: how many.
    """

    def __init__(self, count: int = _KEPT):
        self._count = count
        self._heap: list[tuple[float, int, Quote]] = []
        self._order = itertools.count(0, -1)

    def offer(self, weight: float, make: Callable[..., Quote], *arguments: Any) -> None:
        """Keep `make(*arguments)` if it is among the worst; it is made only then."""
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, (weight, next(self._order), make(*arguments)))
        elif weight > self._heap[0][0]:
            heapq.heapreplace(self._heap, (weight, next(self._order), make(*arguments)))

    def worst(self) -> list[Quote]:
        """The quotes, the worst first."""
        return [quote for _, _, quote in sorted(self._heap, key=lambda x: x[:2], reverse=True)]


class FirstQuotes:
    """Keeps the quotes that come first: a few answers as they are, right or wrong."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []

    def offer(self, make: Callable[..., Quote], *arguments: Any) -> None:
        """Keep `make(*arguments)` if there are few yet."""
        if len(self.quotes) < _FIRST:
            self.quotes.append(make(*arguments))


def quote_of(
    record: Record,
    gold: str,
    answer: str,
    score: float | None = None,
    marks: Sequence[Mark] = (),
) -> Quote:
    """A row with what is right and what was answered."""
    row = record.row
    text = "\n".join(record.texts)
    return Quote(text, gold, answer, score, source=row.source, line=row.line, marks=marks)
