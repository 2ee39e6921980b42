"""The checks of a preflight: what was seen of the rows, as findings."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from glossator.text.findings import Finding, Tally, count_of, quoted
from glossator.text.seen import Seen

__all__ = ["findings_of"]

# Below this a label has, after the usual split, no more than one row to be measured on.
_FEW_ROWS = 5
# From this many rows on, more labels than half the rows look like the wrong column.
_MANY_ROWS = 20
_UNUSABLE = {
    "empty_text": "with an empty text",
    "empty_label": "with an empty label",
    "ragged": "with more or fewer fields than the header",
    "not_text": "with a value that is no text",
    "missing_column": "without one of the columns",
    "lone_surrogate": "with half of a surrogate pair",
}


def findings_of(parts: Sequence[Seen], *, labelled: bool) -> Iterator[Finding]:
    """Yield what there is to say about `parts`, of which the first is the training part."""
    train = parts[0]
    for part in parts:
        where = f"{part.name}: " if len(parts) > 1 else ""
        yield from _rows(part, where)
        if labelled:
            yield from _conflicts(part, where)
        yield from _texts(part, where)
        yield from _leaks(part)
        if labelled and part is not train:
            yield from _unknown_labels(part, train)
    if labelled and train.used:
        yield from _classes(train)
        yield from _label_variants(parts)


def _rows(part: Seen, where: str) -> Iterator[Finding]:
    used, gone = part.used, len(part.rejections)
    message = f"{where}{count_of(part.read, 'row')} read, {used:,} used, {gone:,} rejected"
    yield Finding("rows", "info", message, part.read)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for bad in part.rejections:
        tallies[bad.kind].add("{}:{}: {}", bad.source, bad.line, bad.message)
    for kind, tally in tallies.items():
        what = _UNUSABLE.get(kind, f"that cannot be read ({kind})")
        message = f"{where}{count_of(tally.count, 'row')} {what}: rejected"
        yield tally.finding(kind, "warning", message)
    if used == 0 or (used == 1 and part.name == "train"):
        got = "no row" if used == 0 else "only one row"
        yield Finding("too_few_rows", "error", f"{where}{got} can be used; add rows", used)


def _conflicts(part: Seen, where: str) -> Iterator[Finding]:
    if part.conflicts.count:
        what = count_of(part.conflicts.count, "text")
        message = f"{where}{what} with more than one label: kept; correct the labels in the table"
        yield part.conflicts.finding("two_labels", "warning", message)


def _texts(part: Seen, where: str) -> Iterator[Finding]:
    if part.duplicates.count:
        what = count_of(part.duplicates.count, "row")
        message = f"{where}{what} with the text and label of an earlier row: kept"
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


def _unknown_labels(part: Seen, train: Seen) -> Iterator[Finding]:
    unknown = {name: count for name, count in part.labels.items() if name not in train.labels}
    if unknown:
        rows = sum(unknown.values())
        message = (
            f"{part.name}: {count_of(rows, 'row')} with a label that no training row has: kept, "
            f"and counted as wrong; {_listed(unknown)}"
        )
        yield Finding("unknown_label", "warning", message, rows, tuple(unknown)[:5])


def _classes(train: Seen) -> Iterator[Finding]:
    labels, used = train.labels, train.used
    if len(labels) == 1:
        message = f"every row has the label {quoted(next(iter(labels)))}; two are needed to learn"
        yield Finding("one_class", "error", message, used)
        return
    most = max(labels, key=labels.__getitem__)
    least = min(reversed(labels), key=labels.__getitem__)
    message = (
        f"{count_of(len(labels), 'class')}; the largest is {quoted(most)} with "
        f"{count_of(labels[most], 'row')}, the smallest {quoted(least)} with {labels[least]:,}"
    )
    yield Finding("classes", "info", message, len(labels))
    if used >= _MANY_ROWS and 2 * len(labels) > used:
        message = f"{len(labels):,} labels in {used:,} rows; is this the column with the labels?"
        yield Finding("many_classes", "warning", message, len(labels))
        return
    few = {name: count for name, count in labels.items() if count < _FEW_ROWS}
    if few:
        message = (
            f"{count_of(len(few), 'class')} with fewer than {_FEW_ROWS} rows: kept, but hardly "
            f"learned; add rows, or merge them with others: {_listed(few)}"
        )
        yield Finding("few_rows", "warning", message, len(few), tuple(few)[:5])


def _label_variants(parts: Sequence[Seen]) -> Iterator[Finding]:
    totals: dict[str, int] = {}
    for part in parts:
        for name, count in part.labels.items():
            totals[name] = totals.get(name, 0) + count
    alike: dict[str, list[str]] = defaultdict(list)
    for name in totals:
        alike[_folded(name)].append(name)
    tally = Tally()
    for names in alike.values():
        if len(names) > 1:
            tally.add("{}", _listed({name: totals[name] for name in names}))
    if tally.count:
        message = (
            f"labels that differ only in case, space or full-width form: {tally.examples[0]}; "
            "kept as different classes; write them alike in the table"
        )
        yield tally.finding("label_variants", "warning", message)


def _folded(label: str) -> str:
    return "".join(unicodedata.normalize("NFKC", label).casefold().split())


def _listed(counts: Mapping[str, int]) -> str:
    """`'a' (3), 'b' (1) and 2 more`."""
    shown = ", ".join(f"{quoted(name)} ({count:,})" for name, count in [*counts.items()][:5])
    return shown if len(counts) <= 5 else f"{shown} and {len(counts) - 5:,} more"
