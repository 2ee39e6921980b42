"""The checks of a preflight: what was seen of the rows, as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from glossator.text.findings import Finding, Tally, count_of
from glossator.text.seen import Seen

__all__ = ["findings_of"]

_UNUSABLE = {
    "ragged": "with more or fewer fields than the header",
    "not_text": "with a value that is no text",
    "missing_column": "without one of the columns",
    "lone_surrogate": "with half of a surrogate pair",
}


def findings_of(parts: Sequence[Seen]) -> Iterator[Finding]:
    """Yield what there is to say about `parts`, of which the first is the training part."""
    for part in parts:
        where = f"{part.name}: " if len(parts) > 1 else ""
        yield from _rows(part, where)
        yield from _conflicts(part, where)
        yield from _texts(part, where)
        yield from _leaks(part)


def _rows(part: Seen, where: str) -> Iterator[Finding]:
    used, gone = part.used, len(part.rejections)
    message = f"{where}{count_of(part.read, 'row')} read, {used:,} used, {gone:,} rejected"
    yield Finding("rows", "info", message, part.read)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for bad in part.rejections:
        tallies[bad.kind].add("{}:{}: {}", bad.source, bad.line, bad.message)
    for kind, tally in tallies.items():
        what = _UNUSABLE.get(kind, f"that cannot be used ({kind.replace('_', ' ')})")
        if kind.startswith("empty_"):
            what = f"with an empty {kind.removeprefix('empty_').replace('_', ' ')}"
        message = f"{where}{count_of(tally.count, 'row')} {what}: rejected"
        yield tally.finding(kind, "warning", message)
    if used == 0 or (used == 1 and part.name == "train"):
        got = "no row" if used == 0 else "only one row"
        yield Finding(
            "too_few_rows",
            "error",
            f"{where}{got} can be used; correct the table, or add rows",
            used,
        )


def _conflicts(part: Seen, where: str) -> Iterator[Finding]:
    if part.conflicts.count:
        what = count_of(part.conflicts.count, "text")
        message = f"{where}{what} with more than one answer: kept; correct them in the table"
        yield part.conflicts.finding("two_answers", "warning", message)


def _texts(part: Seen, where: str) -> Iterator[Finding]:
    if part.duplicates.count:
        what = count_of(part.duplicates.count, "row")
        message = f"{where}{what} with the text and the answer of an earlier row: kept"
        yield part.duplicates.finding("duplicates", "info", message)
    if part.undecoded.count:
        message = (
            f"{where}{count_of(part.undecoded.count, 'text')} with the mark of a wrong decoding "
            "(U+FFFD): kept; go back to the original file and name its encoding"
        )
        yield part.undecoded.finding("replacement_character", "warning", message)


def _leaks(part: Seen) -> Iterator[Finding]:
    for name, tally in part.leaks.items():
        message = (
            f"{part.name}: {count_of(tally.count, 'row')} of {part.used:,} with a text that is "
            f"also in {name}: kept, so scores look better than they are; leave them out of one"
        )
        yield tally.finding("leak", "warning", message)
