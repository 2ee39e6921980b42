"""How good several tasks are, each by its own scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from glossator.errors import InputError
from glossator.evaluation.comparison import combined
from glossator.evaluation.figures import Section
from glossator.tasks.kinds.multi_task.encoding import MultiEncoded
from glossator.tasks.kinds.multi_task.figures import (
    MEAN,
    first_measure,
    named,
    overview,
    renamed,
)
from glossator.tasks.learnable import Encoded
from glossator.tasks.task import Answer, Paired, Scores, Task
from glossator.text.findings import Finding
from glossator.text.records import Record

__all__ = ["MultiTaskScores"]


class MultiTaskScores:
    """Adds up the scores of each task.

    Args:
        tasks: by name.
        intervals: whether `result` holds bootstrap intervals.
        paired: whether what comparing asks for is kept.
    """

    def __init__(self, tasks: Mapping[str, Task], *, intervals: bool, paired: bool):
        self._tasks = dict(tasks)
        self._scores: dict[str, Scores] = {
            name: task.scores(intervals=intervals, paired=paired) for name, task in tasks.items()
        }
        self._rows = dict.fromkeys(tasks, 0)

    @property
    def _scored(self) -> list[str]:
        """The tasks of which there were rows."""
        return [name for name, rows in self._rows.items() if rows]

    def add(
        self, records: Sequence[Record], rows: Sequence[Encoded], answers: Sequence[Answer]
    ) -> None:
        """See `Scores`."""
        own: dict[str, tuple[list[Record], list[Encoded], list[Answer]]] = {}
        for record, row, answer in zip(records, rows, answers, strict=True):
            assert isinstance(row, MultiEncoded)
            known = {piece.member.name: piece.record for piece in record.input}
            for (name, inner), one in zip(row.parts, answer, strict=True):
                of_task = own.setdefault(name, ([], [], []))
                of_task[0].append(known[name])
                of_task[1].append(inner)
                of_task[2].append(one)
        for name, parts in own.items():
            self._scores[name].add(*parts)
            self._rows[name] += len(parts[0])

    def result(self) -> dict[str, Any]:
        """The scores of each task as `NAME.measure`, None of one without rows; and their mean.

        Raises:
            InputError: there are no rows.
        """
        if not self._scored:
            raise InputError("there are no rows to score")
        found: dict[str, Any] = {}
        for name, task in self._tasks.items():
            found |= {named(name, measure.name): None for measure in task.measures}
            if self._rows[name]:
                own = self._scores[name].result()
                found |= {named(name, key): value for key, value in own.items()}
        firsts = [found[named(x, first_measure(self._tasks[x]).name)] for x in self._scored]
        return {MEAN.name: sum(x or 0.0 for x in firsts) / len(firsts), **found}

    def remarks(self) -> list[Finding]:
        """Those of each task, with its name."""
        return [
            dataclasses.replace(finding, message=f"{name}: {finding.message}")
            for name in self._scored
            for finding in self._scores[name].remarks()
        ]

    def sections(self, split: str) -> list[Section]:
        """All tasks at a glance, and the sections of each."""
        found = [overview(self._tasks, self._rows, self.result())]
        for number, name in enumerate(self._tasks):
            if self._rows[name]:
                found += renamed(self._scores[name].sections(split), name, number)
        return found

    def paired(self, other: MultiTaskScores) -> Paired:
        """Each task's own comparison; their p-values are combined."""
        each = {x: self._scores[x].paired(other._scores[x]) for x in self._scored}
        p_value, b_is_better = combined([(x.p_value, x.b_is_better) for x in each.values()])
        return Paired(
            differences=tuple(
                dataclasses.replace(difference, metric=named(name, difference.metric))
                for name, paired in each.items()
                for difference in paired.differences
            ),
            tests={
                named(name, test): found
                for name, paired in each.items()
                for test, found in paired.tests.items()
            },
            p_value=p_value,
            b_is_better=b_is_better,
            same=all(paired.same for paired in each.values()),
        )
