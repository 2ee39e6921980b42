"""What is worth knowing of the names of classes, whatever they are of."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from glossator.text.findings import Finding, Tally, count_of, quoted

__all__ = ["few_rows", "label_variants", "listed_counts", "unknown_names"]

_FEW_ROWS = 5


def few_rows(counts: Mapping[str, int], noun: str) -> Iterator[Finding]:
    """A finding where names have too few training rows to be learned.

    Args:
        counts: training rows of each.
        noun: what they are names of.
    """
    few = {name: count for name, count in counts.items() if count < _FEW_ROWS}
    if few:
        message = (
            f"{count_of(len(few), noun)} with fewer than {_FEW_ROWS} rows: kept, but hardly "
            f"learned; add rows, or merge them with others: {listed_counts(few)}"
        )
        yield Finding("few_rows", "warning", message, len(few), tuple(few)[:5])


def unknown_names(part: str, unknown: Mapping[str, int], noun: str) -> Iterator[Finding]:
    """A finding where rows that are scored have names that no training row has.

    Args:
        part: of the rows.
        unknown: rows of each such name.
        noun: what they are names of, with its article.
    """
    if unknown:
        rows = sum(unknown.values())
        message = (
            f"{part}: {count_of(rows, 'row')} with {noun} that no training row has: kept, and "
            f"counted as wrong; {listed_counts(unknown)}"
        )
        kind = f"unknown_{noun.split()[-1]}"
        yield Finding(kind, "warning", message, rows, tuple(unknown)[:5])


def label_variants(totals: Mapping[str, int]) -> Iterator[Finding]:
    """A finding where names differ in case, spaces or width alone.

    Args:
        totals: how often each occurs.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in totals:
        alike[_folded(name)].append(name)
    tally = Tally()
    for names in alike.values():
        if len(names) > 1:
            tally.add("{}", listed_counts({name: totals[name] for name in names}))
    if tally.count:
        message = (
            f"labels that differ only in case, space or full-width form: {tally.examples[0]}; "
            "kept as different classes; write them alike in the table"
        )
        yield tally.finding("label_variants", "warning", message)


def listed_counts(counts: Mapping[str, int]) -> str:
    """`'a' (3), 'b' (1) and 2 more`."""
    shown = ", ".join(f"{quoted(name)} ({count:,})" for name, count in [*counts.items()][:5])
    return shown if len(counts) <= 5 else f"{shown} and {len(counts) - 5:,} more"


def _folded(label: str) -> str:
    return "".join(unicodedata.normalize("NFKC", label).casefold().split())
