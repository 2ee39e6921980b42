"""What is worth knowing of the labels of a table before they are learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from glossator.evaluation.conformal import fewest_rows
from glossator.tasks.kinds.text_classification.values import LabelTypes, given_labels
from glossator.tasks.label_findings import few_rows, label_variants, listed_counts
from glossator.text.findings import Finding, Tally, count_of, quoted
from glossator.text.records import Record
from glossator.text.rows import Rejection

__all__ = ["LabelExaminer"]

# Below this a label has, after the usual split, no more than one row to be measured on.
# From this many rows on, more labels than half the rows look like the wrong column.
_MANY_ROWS = 20
# Fewer numbers are likely names of classes, or stars.
_MANY_NUMBERS = 10


class LabelExaminer:
    """Counts labels, of each part by itself.

    Args:
        column: that they are read from.
        outside: the label of rows that belong to no class; None: there are none.
        coverage: how often sets should hold the right label; None: there are no sets.
    """

    def __init__(
        self, column: str = "label", *, outside: str | None = None, coverage: float | None = None
    ) -> None:
        self._column, self._types = column, LabelTypes()
        self._sources: set[str] = set()
        self._coverage = coverage
        self._outside, self._strangers = outside, Counter[str]()  # such rows by part
        self._parts: dict[str, Counter[str]] = {}
        self._rows = Counter[str]()
        self._sizes = Counter[int]()  # labels of the rows that have a list
        self._single = Tally()
        self._several = Tally()

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        target, place = record.target, f"{record.row.source}:{record.row.line}"
        labels = self._parts.setdefault(part, Counter())
        self._rows[part] += 1
        if target is not None and target == self._outside:
            self._strangers[part] += 1
            return
        if target is not None:
            self._look_at_types(part, record, place)
        if isinstance(target, tuple):
            labels.update(target)
            self._sizes[len(target)] += 1
            self._several.add("{}", place)
        elif target is not None:
            labels[target] += 1
            self._single.add("{}", place)

    def _look_at_types(self, part: str, record: Record, place: str) -> None:
        """Of the tables that training rows come from; a dev table of its own may be a CSV."""
        first = part == next(iter(self._parts))
        if first:
            self._sources.add(record.row.source)
        if first or record.row.source in self._sources:
            self._types.add(given_labels(record, self._column), place)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`: nothing is made of it."""

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        if isinstance(target, tuple):
            return "[" + ", ".join(map(quoted, target)) + "]"
        return quoted(str(target))

    def findings(self) -> list[Finding]:
        """See `Examiner`."""
        return list(self._found())

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows of each label, over all parts."""
        return sum(self._parts.values(), Counter())

    def _found(self) -> Iterator[Finding]:
        if not self._parts:
            return
        first, *others = self._parts
        train = self._parts[first]
        yield from self._types.findings()
        yield from self._lists()
        yield from self._of_no_class(train, others)
        if self._coverage is not None and "dev" in others:
            yield from self._too_few(self._coverage)
        for name in others:
            yield from _unknown_labels(name, self._parts[name], train)
        yield from _classes(train, self._rows[first], several=bool(self._sizes))
        yield from label_variants(self.counts)

    def _of_no_class(self, train: Mapping[str, int], others: Sequence[str]) -> Iterator[Finding]:
        """Of rows out of scope: where they are, and what cannot be known for want of them."""
        if self._outside is None:
            return
        name, rows = quoted(self._outside), self._strangers.total()
        if not rows:
            message = (
                f"no row has the label {name} of --out-of-scope-label; "
                f"there are: {', '.join(sorted(train)[:10])}"
            )
            yield Finding("no_out_of_scope", "error", message)
            return
        where = ", ".join(f"{count:,} {part}" for part, count in self._strangers.items())
        message = f"{count_of(rows, 'row')} out of scope ({name}; {where}): they are no class"
        yield Finding("out_of_scope", "info", message, rows)
        if "test" in others and not self._strangers["test"]:
            message = (
                f"no test row is out of scope ({name}): how many such texts are found stays unknown"
            )
            yield Finding("out_of_scope_untested", "warning", message)

    def _too_few(self, coverage: float) -> Iterator[Finding]:
        needed, there = fewest_rows(coverage), self._rows["dev"] - self._strangers["dev"]
        if there < needed:
            message = (
                f"a coverage of {coverage:g} needs at least {needed:,} dev rows, got {there:,}: "
                "hold out more (--dev-fraction), or ask for less"
            )
            yield Finding("too_few_for_coverage", "error", message, there)

    def _lists(self) -> Iterator[Finding]:
        """Of rows with lists: that they were seen, and what is odd about them."""
        if not self._sizes:
            return
        if self._single.count:
            rare = min(
                (self._single, "one label"), (self._several, "a list"), key=lambda x: x[0].count
            )
            message = (
                f"{count_of(self._single.count, 'row')} with one label and "
                f"{self._several.count:,} with a list; the first with {rare[1]} is "
                f"{rare[0].examples[0]}: give every row a list, also of one label or none"
            )
            yield rare[0].finding("mixed_labels", "error", message)
            return
        rows, labels = self._sizes.total(), sum(size * n for size, n in self._sizes.items())
        message = f"labels are lists, so a row may have several: {labels / rows:.2f} on average"
        if self._sizes.keys() == {1}:
            message = (
                "labels are lists, but every row has exactly one label: going on with several; "
                "without the lists one label a row is learned, which suits such rows better"
            )
        yield Finding("several_labels", "info", message, rows)
        if self._sizes[0]:
            what = count_of(self._sizes[0], "row")
            message = f"{what} with an empty list: kept, as rows that no label fits"
            yield Finding("no_label", "info", message, self._sizes[0])


def _unknown_labels(
    part: str, counts: Mapping[str, int], train: Mapping[str, int]
) -> Iterator[Finding]:
    unknown = {name: count for name, count in counts.items() if name not in train}
    if unknown:
        rows = sum(unknown.values())
        if part == "dev" and len(unknown) == len(counts):
            message = (
                "dev: no row has a label that the training rows have, so nothing can be chosen by "
                f"them; training has: {', '.join(sorted(train)[:10])}"
            )
            yield Finding("unknown_dev", "error", message, rows)
            return
        message = (
            f"{part}: {count_of(rows, 'row')} with a label that no training row has: kept, "
            f"and counted as wrong; {listed_counts(unknown)}"
        )
        yield Finding("unknown_label", "warning", message, rows, tuple(unknown)[:5])


def _classes(labels: Mapping[str, int], used: int, *, several: bool) -> Iterator[Finding]:
    if len(labels) < (1 if several else 2):
        message = "no row has a label; one is needed to learn"
        if labels:
            message = (
                f"every row has the label {quoted(next(iter(labels)))}; two are needed to learn"
            )
        yield Finding("one_class", "error", message, used)
        return
    most = max(labels, key=labels.__getitem__)
    least = min(reversed([*labels]), key=labels.__getitem__)
    message = (
        f"{count_of(len(labels), 'class')}; the largest is {quoted(most)} with "
        f"{count_of(labels[most], 'row')}, the smallest {quoted(least)} with {labels[least]:,}"
    )
    yield Finding("classes", "info", message, len(labels))
    if len(labels) > _MANY_NUMBERS and all(map(_is_number, labels)):
        message = (
            f"all {len(labels):,} labels are numbers: each is learned as a class of its own; "
            "another --task learns them as numbers"
        )
        yield Finding("number_labels", "warning", message, len(labels))
    if used >= _MANY_ROWS and 2 * len(labels) > used:
        message = f"{len(labels):,} labels in {used:,} rows; is this the column with the labels?"
        yield Finding("many_classes", "warning", message, len(labels))
        return
    yield from few_rows(labels, "class")


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
