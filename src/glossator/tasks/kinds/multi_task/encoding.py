"""Rows as the examples of their tasks, and examples as a batch of each task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from glossator.tasks.learnable import ArraySpec, Batch, Encoded, Example, filler
from glossator.tasks.task import Task

__all__ = ["Arrays", "MultiBatch", "MultiEncoded", "Part"]

_TOKENS_STEP = 8  # a product of a new shape takes longer, see `training.gradients`


@dataclass(frozen=True, slots=True)
class MultiEncoded(Encoded):
    """A row with the examples of all tasks that read it.

    Attributes:
        parts: the name of each task, and the row as it has encoded it.
    """

    parts: tuple[tuple[str, Encoded], ...] = ()


@dataclass(frozen=True)
class Part:
    """The examples of one task in a batch.

    Attributes:
        task: its name.
        batch: its examples, as it lays them out.
        places: (B,) their numbers in the whole batch; those that fill it up have none.
    """

    task: str
    batch: Batch
    places: tuple[int, ...]


@dataclass(frozen=True)
class MultiBatch:
    """The examples of several tasks; each task has those of its own."""

    parts: tuple[Part, ...]

    def to(self, device: torch.device) -> MultiBatch:
        """The same batch on another device."""
        return MultiBatch(
            tuple(dataclasses.replace(part, batch=part.batch.to(device)) for part in self.parts)
        )


class Arrays:
    """The arrays of the examples of all tasks: which task, its own arrays, blanks for the others.

    Args:
        tasks: by name.
    """

    def __init__(self, tasks: Mapping[str, Task]):
        self._tasks = dict(tasks)
        self._names = list(tasks)
        self.specs: tuple[ArraySpec, ...] = (ArraySpec("member", "text", fill=-1),)
        self._own: dict[str, slice] = {}
        for name, task in tasks.items():
            start = len(self.specs)
            named = [dataclasses.replace(x, name=f"{name}/{x.name}") for x in task.specs]
            self.specs += tuple(named)
            self._own[name] = slice(start, start + len(named))

    def number(self, example: Example) -> int:
        """Of the task of an example; -1 of one that fills a batch up."""
        return int(example.arrays[0])

    def wrapped(self, name: str, example: Example, row: int) -> Example:
        """An example of a task as one among those of others."""
        own = self._own[name]
        arrays = [_blank(spec, len(example.tokens)) for spec in self.specs]
        arrays[0] = np.array(self._names.index(name), np.int64)
        arrays[own] = example.arrays
        return dataclasses.replace(example, arrays=tuple(arrays), row=row)

    def unwrapped(self, example: Example) -> tuple[str, Example]:
        """The task of an example, and the example as that task knows it."""
        name = self._names[self.number(example)]
        return name, dataclasses.replace(example, arrays=example.arrays[self._own[name]])

    def batch(self, examples: Sequence[Example], seed: int) -> MultiBatch:
        """Examples as a batch of each task; where the whole is filled up, so is each."""
        own: dict[str, list[Example]] = {}
        places: dict[str, list[int]] = {}
        fill = False
        for place, example in enumerate(examples):
            if self.number(example) < 0:
                fill = True
                continue
            name, inner = self.unwrapped(example)
            own.setdefault(name, []).append(inner)
            places.setdefault(name, []).append(place)
        parts = [
            Part(name, self._collated(name, own[name], seed, fill), tuple(places[name]))
            for name in self._names
            if name in own
        ]
        return MultiBatch(tuple(parts))

    def _collated(self, name: str, examples: list[Example], seed: int, fill: bool) -> Batch:
        task = self._tasks[name]
        missing = -sum(len(example.tokens) for example in examples) % _TOKENS_STEP
        if fill and missing:
            examples = [*examples, filler(examples[0], missing, task.specs)]
        return task.collate(examples, seed)


def _blank(spec: ArraySpec, tokens: int) -> np.ndarray:
    """The array of a task that an example is not of: nobody reads it."""
    shape = {"text": (), "token": (tokens,), "own": (0,)}[spec.axis]
    return np.full(shape, spec.fill, dtype=spec.dtype)
