"""Each task's own look at its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from glossator.text.columns import text_of
from glossator.text.findings import Finding, count_of
from glossator.text.records import Examiner, Record
from glossator.text.rows import Rejection

__all__ = ["MemberExaminers"]

_FEW = 50  # training rows, of which a model learns next to nothing


class MemberExaminers:
    """Hands each row to the examiner of its task.

    Args:
        column: that names the task of a row.
        examiner: makes that of a task.
    """

    def __init__(self, column: str, examiner: Callable[[str], Examiner]):
        self._column, self._made = column, examiner
        self._examiners: dict[str, Examiner] = {}
        self._rows: dict[str, dict[str, int]] = {}

    def _of(self, name: str) -> Examiner:
        if name not in self._examiners:
            self._examiners[name] = self._made(name)
        return self._examiners[name]

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each class of each task occurs."""
        return {
            f"{name}: {x}": count
            for name, examiner in self._examiners.items()
            for x, count in examiner.counts.items()
        }

    def add(self, part: str, record: Record) -> None:
        """See `Examiner`."""
        for piece in record.input:
            name = piece.member.name
            rows = self._rows.setdefault(name, {})
            rows[part] = rows.get(part, 0) + 1
            self._of(name).add(part, piece.record)

    def reject(self, part: str, rejection: Rejection) -> None:
        """See `Examiner`."""
        name = text_of((rejection.values or {}).get(self._column))
        if name in self._examiners:
            self._examiners[name].reject(part, rejection)

    def tell(self, target: Any) -> str:
        """See `Examiner`."""
        return " and ".join(self._of(name).tell(inner) for name, inner in target)

    def findings(self) -> Sequence[Finding]:
        """What each task finds, with its name; and how many rows each has."""
        return [*self._sizes(), *self._theirs()]

    def _sizes(self) -> Iterator[Finding]:
        parts = list(dict.fromkeys(part for rows in self._rows.values() for part in rows))
        for part in parts:
            rows = {name: x.get(part, 0) for name, x in self._rows.items()}
            listed = ", ".join(f"{name} {count:,}" for name, count in rows.items())
            yield Finding("tasks", "info", f"{part}: rows by task: {listed}", sum(rows.values()))
            for name in (name for name, count in rows.items() if not count):
                message = f"{part}: no row is of the task {name}"
                if part == "train":
                    yield Finding("no_rows_of_task", "error", f"{message}: it cannot be learned", 0)
                else:
                    yield Finding("no_rows_of_task", "warning", f"{message}: it is not scored", 0)
        for name, x in self._rows.items():
            if 0 < x.get("train", 0) < _FEW:
                message = f"task {name} has {count_of(x['train'], 'training row')}: very few"
                yield Finding("few_rows_of_task", "warning", message, x["train"])

    def _theirs(self) -> Iterator[Finding]:
        for name, examiner in self._examiners.items():
            for finding in examiner.findings():
                yield dataclasses.replace(finding, message=f"{name}: {finding.message}")
