"""What is worth knowing of choices and right answers before anything is learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from glossator.text.findings import Finding, Tally, count_of, quoted
from glossator.text.records import Record
from glossator.text.rows import Rejection

__all__ = ["ChoiceExaminer"]

_FEW_ROWS = 20
# Above the share of a guess by so much, one place of the right choice is no accident.
_UNEVEN = 0.1
_SHOWN = 6


class ChoiceExaminer:
    """Counts choices, and where the right one stands."""

    counts: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._sizes, self._places = Counter[int](), Counter[int]()
        self._doubled, self._from_1 = Tally(), Tally()

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        choices = record.input[1]
        self._sizes[len(choices)] += 1
        if record.target is not None:
            self._places[record.target.index] += 1
        if len(set(choices)) < len(choices):
            twice = next(choice for choice, count in Counter(choices).items() if count > 1)
            self._doubled.add("{}:{}: {}", record.row.source, record.row.line, quoted(twice))

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`."""
        if rejection.kind == "answer_from_1":
            self._from_1.add("{}:{}: {}", rejection.source, rejection.line, rejection.message)

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return quoted(target.text)

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    def _found(self) -> Iterator[Finding]:
        rows = self._sizes.total()
        if self._from_1.count and not self._places[0]:
            message = (
                f"the numbers of the right choices look counted from 1: none is 0, and "
                f"{count_of(self._from_1.count, 'row')} have one past the last choice, such as "
                f"{self._from_1.examples[0]}"
            )
            yield self._from_1.finding("counted_from_1", "error", message)
        if not rows:
            return
        yield self._counted(rows)
        if self._doubled.count:
            have = "has" if self._doubled.count == 1 else "have"
            message = (
                f"{count_of(self._doubled.count, 'row')} {have} a choice twice, such as "
                f"{self._doubled.examples[0]}; the two get the same score"
            )
            yield self._doubled.finding("doubled_choices", "warning", message)
        if self._places:
            yield self._placed()

    def _chance(self) -> float:
        """Of a guess."""
        return sum(count / size for size, count in self._sizes.items()) / self._sizes.total()

    def _counted(self, rows: int) -> Finding:
        low, high = min(self._sizes), max(self._sizes)
        many = f"{low}" if low == high else f"{low} to {high}"
        message = f"{many} choices a row; a guess is right in {self._chance():.1%} of the rows"
        return Finding("choices", "info", message, rows)

    def _placed(self) -> Finding:
        """How often the right choice stands where."""
        rows, (place, most) = self._places.total(), self._places.most_common(1)[0]
        shares = [f"{i} ({count / rows:.0%})" for i, count in sorted(self._places.items())]
        more = f" and {len(shares) - _SHOWN} more" if len(shares) > _SHOWN else ""
        listed = ", ".join(shares[:_SHOWN]) + more
        if rows >= _FEW_ROWS and most / rows > self._chance() + _UNEVEN:
            message = (
                f"the right choice stands at {place}, counted from 0, in {most / rows:.1%} of the "
                f"rows: {listed}; each choice is scored without its place, so that this "
                "is not learned, but who sees the places could guess by them"
            )
            return Finding("uneven_places", "warning", message, rows)
        message = f"the right choice stands, counted from 0, at {listed}"
        return Finding("places", "info", message, rows)
