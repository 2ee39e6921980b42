"""What several tasks have to show: each its own, and all of them at a glance."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from glossator.evaluation.figures import Column, Measure, Pair, Section, Table, Words
from glossator.tasks.kinds.multi_task.config import CONFIG
from glossator.tasks.kinds.multi_task.members import Member
from glossator.tasks.task import Task

__all__ = [
    "MEAN",
    "chosen_by",
    "example",
    "first_measure",
    "measures",
    "named",
    "overview",
    "renamed",
    "words",
]

MEAN = Measure("mean", "Mean of the tasks", "number", "high", note="of the first score of each")


def named(task: str, measure: str) -> str:
    """The name of a measure of a task among those of others."""
    return f"{task}.{measure}"


def first_measure(task: Task) -> Measure:
    """The measure that a task is judged by, of which more is better."""
    return next(measure for measure in task.measures if measure.better == "high")


def measures(tasks: Mapping[str, Task]) -> list[Measure]:
    """The mean over the tasks, and all measures of each."""
    return [
        MEAN,
        *(
            dataclasses.replace(x, name=named(name, x.name), title=f"{name}: {x.title}", hub="")
            for name, task in tasks.items()
            for x in task.measures
        ),
    ]


def chosen_by(tasks: Mapping[str, Task]) -> list[str]:
    """The mean; of equal means what each task has against equal scores tells."""
    seconds = [named(name, x) for name, task in tasks.items() for x in task.chosen_by[1:]]
    return [MEAN.name, *seconds]


def overview(
    tasks: Mapping[str, Task], rows: Mapping[str, int], scores: Mapping[str, Any]
) -> Section:
    """All tasks with their rows and first scores."""
    cells = []
    for name, task in tasks.items():
        measure = first_measure(task)
        cells.append(
            (name, task.name, rows[name], measure.title, scores[named(name, measure.name)])
        )
    table = Table(
        "",
        (
            Column("Task", "text"),
            Column("Kind", "text"),
            Column("Rows", "count"),
            Column("Score", "text"),
            Column("", "number"),
        ),
        cells,
        noun="tasks",
    )
    return Section("tasks", "Tasks", (table,))


def renamed(sections: Sequence[Section], name: str, number: int) -> list[Section]:
    """The sections of a task among those of others."""
    return [
        dataclasses.replace(
            section,
            id=f"task-{number}-{section.id}",
            title=f"{name}: {section.title}",
            short=f"{name}: {section.short or section.title}",
            figures=[_titled(figure, name) for figure in section.figures],
        )
        for section in sections
    ]


def _titled(figure: Any, name: str) -> Any:
    """A figure whose title says of which task it is, where it has one."""
    if isinstance(figure, Pair):
        return Pair(_titled(figure.left, name), _titled(figure.right, name))
    if title := getattr(figure, "title", ""):
        return dataclasses.replace(figure, title=f"{name}: {title}")
    return figure


def example(member: Member, task: Task) -> dict[str, Any]:
    """What a task reads of a row, by its own columns."""
    words, inputs = task.words(), task.reader(member.columns).inputs
    given: Any = words.command_input
    by_role = json.loads(given) if words.command_format == "jsonl" else {next(iter(inputs)): given}
    first = {names[0]: by_role.get(role, "") for role, names in inputs.items()}
    return {name: first.get(name, "") for names in inputs.values() for name in names}


def words(members: Mapping[str, Member], tasks: Mapping[str, Task]) -> Words:
    """See `Task`."""
    each = {name: task.words() for name, task in tasks.items()}
    first = next(iter(members.values()))
    row = {"task": first.name, **example(first, tasks[first.name])}
    return Words(
        does=f"Answers {len(tasks)} tasks with one encoder. "
        + " ".join(f"{name}: {x.does}" for name, x in each.items()),
        caution=" ".join(f"{name}: {x.caution}" for name, x in each.items()),
        opens_as=CONFIG.opens_as,
        pipeline="",
        python_input=json.dumps(row, ensure_ascii=False),
        command_input=json.dumps(row, ensure_ascii=False),
        command_format="jsonl",
        elsewhere="transformers opens the encoder alone; the heads are in heads.safetensors.",
        decided=[f"{name}: {sentence}" for name, x in each.items() for sentence in x.decided],
        labels=(),
    )
