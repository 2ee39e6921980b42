"""Several tasks on one encoder, which learn in shared steps and answer by their names."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.errors import ConfigError, InputError
from glossator.evaluation.figures import Words
from glossator.models import checkpoint
from glossator.models.class_fields import class_fields
from glossator.models.multi_task import MultiTaskModel
from glossator.tasks.kinds.multi_task.config import CONFIG, Asks, Options
from glossator.tasks.kinds.multi_task.encoding import Arrays, MultiBatch, MultiEncoded
from glossator.tasks.kinds.multi_task.figures import chosen_by, example, measures, words
from glossator.tasks.kinds.multi_task.members import Member, Piece, as_json, from_json
from glossator.tasks.kinds.multi_task.prediction import TaskAnswer, TaskAnswers
from glossator.tasks.kinds.multi_task.reading import Known, MultiTaskReader
from glossator.tasks.kinds.multi_task.sampling import epoch_rows
from glossator.tasks.kinds.multi_task.scores import MultiTaskScores
from glossator.tasks.learnable import Coupling, Encoded, Example
from glossator.tasks.task import Answer, Base, Task, characters_of
from glossator.text.records import Columns, Record

__all__ = ["KIND", "MultiTask", "MultiTaskKind"]

_STRICTEST: tuple[Coupling, ...] = ("step", "row", "example")
_SAMPLE = 64  # rows by which the loss of a task is held against those of others


class MultiTask:
    """Several tasks on one encoder.

    Each row is encoded, learned, answered and scored by its own task. The loss of a step is the sum
    of its rows' losses: that of a task which counts something else (words) is scaled, so that its
    mean row weighs as much as a row of any other task.

    Args:
        base: the model folder.
        members: what each task is.
        tasks: the tasks, by the same names.
        options: how they share steps.

    Attributes:
        fields: of `config.json`, those that a model of each task alone would have.
        scales: rows for each thing that the loss of a task counts.
        samples: training rows of each task.
        only: the one task that answers.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    only: str | None = None

    def __init__(
        self,
        base: Base,
        members: Sequence[Member],
        tasks: Mapping[str, Task],
        options: Options | None = None,
    ):
        self.tokenizer, self.max_length = base.tokenizer, base.max_length
        self.members = {member.name: member for member in members}
        self.tasks, self.options = dict(tasks), options or Options()
        self.fields: dict[str, Mapping[str, Any]] = {}
        self.scales: dict[str, float] = dict.fromkeys(tasks, 1.0)
        self.samples: dict[str, Sequence[Record]] = {}
        self._arrays = Arrays(tasks)
        self.specs = self._arrays.specs
        self.measures, self.chosen_by = measures(tasks), chosen_by(tasks)

    @property
    def coupling(self) -> Coupling:
        """The strictest of the tasks'."""
        return next(x for x in _STRICTEST if any(task.coupling == x for task in self._all()))

    def _all(self) -> Sequence[Task]:
        return list(self.tasks.values())

    @property
    def settings(self) -> Mapping[str, Any]:
        """The temperature, and the settings of each task by its name."""
        theirs = {
            f"{name}: {key}": value
            for name, task in self.tasks.items()
            for key, value in {"task": task.name, **task.settings}.items()
        }
        return {"temperature": self.options.temperature, **theirs}

    def reader(self, columns: Columns) -> MultiTaskReader:
        """See `Task`."""
        known = {
            name: Known(member, self.tasks[name].reader(_renamed(member.columns, columns)))
            for name, member in self.members.items()
        }
        return MultiTaskReader(columns, self.options, known, self.only)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`; each task begins as it would by itself."""
        models = {
            name: task.build(base, seed + number)
            for number, (name, task) in enumerate(self.tasks.items())
        }
        for name, model in models.items():
            self.fields[name] = class_fields(model)
            self.scales[name] = self._scale(name, model)
        return MultiTaskModel(checkpoint.load_encoder(base.folder), models).eval()

    @torch.no_grad()
    def _scale(self, name: str, model: nn.Module) -> float:
        """Rows for each thing that the loss of a task counts, by some of its training rows."""
        sample, task = self.samples.get(name, ()), self.tasks[name]
        examples = [example for row in task.encode(sample) for example in row]
        if not examples:
            return 1.0
        count = float(task.loss(model, task.collate(examples, 0))[1])
        return len(sample) / count if count > 0 else 1.0

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        models = {name: task.build(base, 0) for name, task in self.tasks.items()}
        return checkpoint.load_multi_task(base.folder, models)

    def characters(self, record: Record) -> int:
        """See `Repeating`: each task reads its own."""
        pieces = record.input
        return sum(characters_of(self.tasks[x.member.name], x.record) for x in pieces)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """The examples of all tasks that read a row, one task after the other."""
        found: list[list[tuple[str, Encoded]]] = [[] for _ in records]
        for name, task in self.tasks.items():
            places = [
                (number, piece.record)
                for number, record in enumerate(records)
                for piece in record.input
                if piece.member.name == name
            ]
            rows = task.encode([record for _, record in places]) if places else []
            for (number, _), row in zip(places, rows, strict=True):
                found[number].append((name, row))
        return [self._encoded(number, parts) for number, parts in enumerate(found)]

    def _encoded(self, number: int, parts: Sequence[tuple[str, Encoded]]) -> MultiEncoded:
        examples = tuple(
            self._arrays.wrapped(name, example, number) for name, row in parts for example in row
        )
        tokens = max(row.n_tokens for _, row in parts)
        windows = max(row.windows for _, row in parts)
        return MultiEncoded(examples, tokens, windows, None, tuple(parts))

    def cost(self, example: Example) -> int:
        """That of its task; of one that fills a batch up, its tokens."""
        if self._arrays.number(example) < 0:
            return len(example.tokens)
        name, inner = self._arrays.unwrapped(example)
        return self.tasks[name].cost(inner)

    def order(
        self, rows: Sequence[Sequence[Example]], seed: int, epoch: int
    ) -> NDArray[np.int64] | None:
        """See `Ordering`: by the temperature."""
        if self.options.temperature == 1:
            return None
        tasks = np.array([self._arrays.number(row[0]) for row in rows], np.int64)
        return epoch_rows(tasks, self.options.temperature, seed, epoch)

    def collate(self, examples: Sequence[Example], seed: int) -> MultiBatch:
        """The examples of each task as it lays them out."""
        return self._arrays.batch(examples, seed)

    def loss(self, model: nn.Module, batch: MultiBatch) -> tuple[Tensor, Tensor]:
        """Sum of the losses of all tasks, and of their counts, in rows."""
        losses, counts = [], []
        for part in batch.parts:
            loss, count = self.tasks[part.task].loss(_of(model, part.task), part.batch)
            losses.append(loss * self.scales[part.task])
            counts.append(count * self.scales[part.task])
        return torch.stack(losses).sum(), torch.stack(counts).sum()

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`.

        Raises:
            ConfigError: there is no such task as the one that alone is to answer.
        """
        task = self._with({x: task.asked(top_k=top_k) for x, task in self.tasks.items()})
        if isinstance(asks, Asks) and asks.only is not None:
            if asks.only not in self.tasks:
                there = ", ".join(self.tasks)
                raise ConfigError(f"--only is '{asks.only}'; expected one of the tasks {there}")
            task.only = asks.only
        return task

    def _with(self, tasks: Mapping[str, Task]) -> Self:
        """The same with other tasks of the same names."""
        task = copy.copy(self)
        task.tasks = dict(tasks)
        return task

    def answer(self, model: nn.Module, batch: MultiBatch) -> Sequence[Answer]:
        """Of each example what its task's model says."""
        found: dict[int, Answer] = {}
        for part in batch.parts:
            answers = self.tasks[part.task].answer(_of(model, part.task), part.batch)
            found |= dict(zip(part.places, answers, strict=False))
        return [found[place] for place in sorted(found)]

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """Of each task that reads the row what it says of it."""
        rest = iter(answers)
        return tuple(
            self.tasks[name].combine(_piece(record, name), inner, [next(rest) for _ in inner])
            for name, inner in _parts(row)
        )

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """Each task decides by its own dev rows; one without any as it does."""
        return self._with(
            {
                name: task.decided(*own) if (own := self._own(name, records, answers))[0] else task
                for name, task in self.tasks.items()
            }
        )

    def _own(
        self, name: str, records: Sequence[Record], answers: Sequence[Answer]
    ) -> tuple[list[Record], list[Answer]]:
        """The rows of a task with its answers."""
        found = [
            (piece.record, one)
            for record, answer in zip(records, answers, strict=True)
            for piece, one in zip(record.input, answer, strict=True)
            if piece.member.name == name
        ]
        return [record for record, _ in found], [answer for _, answer in found]

    def decode(self, record: Record, row: Encoded, answer: Answer) -> TaskAnswer | TaskAnswers:
        """The answer of the task that the row names; else those of all that read it, by name."""
        found = {
            name: self.tasks[name].decode(_piece(record, name), inner, one)
            for (name, inner), one in zip(_parts(row), answer, strict=True)
        }
        if len(record.input) == 1:
            ((name, one),) = found.items()
            return TaskAnswer(name, one)
        return TaskAnswers(found)

    def scores(self, *, intervals: bool = True, paired: bool = False) -> MultiTaskScores:
        """See `Task`."""
        return MultiTaskScores(self.tasks, intervals=intervals, paired=paired)

    def finish(self, model: nn.Module) -> None:
        """Let each task finish its own."""
        for name, task in self.tasks.items():
            task.finish(_of(model, name))

    def words(self) -> Words:
        """See `Task`."""
        return words(self.members, self.tasks)

    def examples(self, columns: Columns) -> dict[str, dict[str, Any]]:
        """See `Composed`."""
        (name,) = columns["member"]
        return {
            x: {name: x, **example(member, self.tasks[x])} for x, member in self.members.items()
        }

    def saved(self) -> dict[str, Any]:
        """Of each task what it saves itself, its columns, and the fields of its model."""
        theirs = {name: task.saved() for name, task in self.tasks.items()}
        members = {
            name: {**as_json(member), "learned": theirs[name]["learned"], **self._fields(name)}
            for name, member in self.members.items()
        }
        return {
            "learned": {"members": members},
            "options": dataclasses.asdict(self.options),
            "decision": {name: saved["decision"] for name, saved in theirs.items()},
        }

    def _fields(self, name: str) -> dict[str, Any]:
        return {"config": dict(self.fields.get(name, {}))}


def _renamed(columns: Columns, others: Columns) -> Columns:
    """The columns of a task, those of its roles that were named anew among them."""
    return {role: others.get(role, names) for role, names in columns.items()}


def _of(model: nn.Module, task: str) -> nn.Module:
    assert isinstance(model, MultiTaskModel)
    return model.of(task)


def _parts(row: Encoded) -> tuple[tuple[str, Encoded], ...]:
    assert isinstance(row, MultiEncoded)
    return row.parts


def _piece(record: Record, name: str) -> Record:
    found: Record = next(piece.record for piece in record.input if piece.member.name == name)
    return found


class MultiTaskKind:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> MultiTaskReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        if said := [role for role in columns if role != "member"]:
            flag = said[0].replace("_", "-")
            message = f"--{flag} is said of each task by itself, under [tasks.NAME] or in --members"
            raise ConfigError(message)
        return MultiTaskReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> MultiTask:
        """See `TaskKind`: each task is learned from its own rows.

        Raises:
            InputError: a task has no rows.
        """
        members: dict[str, Member] = {}
        rows: dict[str, list[Record]] = {name: [] for name in options.said()}
        for piece in _pieces(records):
            members.setdefault(piece.member.name, piece.member)
            rows.setdefault(piece.member.name, []).append(piece.record)
        if empty := [name for name, own in rows.items() if not own]:
            raise InputError(f"task '{empty[0]}' has no training row that can be used")
        tasks = {name: members[name].learn(own, base) for name, own in rows.items()}
        found = MultiTask(base, [members[name] for name in tasks], tasks, options)
        found.samples = {name: own[:: len(own) // _SAMPLE + 1] for name, own in rows.items()}
        return found

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> MultiTask | None:
        """See `TaskKind`; a folder from elsewhere names no tasks."""
        if saved is None:
            return None
        members, tasks, fields = [], {}, {}
        for name, own in saved["learned"]["members"].items():
            decision = saved["decision"].get(name, {})
            member, tasks[name] = from_json(name, own, decision, base)
            members.append(member)
            fields[name] = own["config"]
        task = MultiTask(base, members, tasks, Options(**saved["options"]))
        task.fields = fields
        return task


def _pieces(records: Sequence[Record]) -> Iterator[Piece]:
    return (piece for record in records for piece in record.input)


KIND = MultiTaskKind()
