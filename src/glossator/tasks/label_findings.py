"""What is worth knowing of the names of classes, whatever they are of."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from glossator.text.findings import Finding, Tally, quoted

__all__ = ["label_variants", "listed_counts"]


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
