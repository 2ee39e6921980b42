"""The rows of a run that can be used, with their examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glossator.finetuning.data import Parts
from glossator.tasks.learnable import Encoded
from glossator.tasks.task import Task
from glossator.text.records import Record

__all__ = ["Part", "encode", "usable_parts"]


@dataclass
class Part:
    """The N rows of one part.

    Attributes:
        records: the rows.
        rows: the examples of each, once they are encoded.
    """

    records: list[Record]
    rows: list[Encoded] = field(default_factory=list)


def usable_parts(parts: Parts) -> dict[str, Part]:
    """`train` and what else there is of `dev` and `test`."""
    return {
        name: Part([item for item in items if isinstance(item, Record)])
        for name, items in parts.named().items()
    }


def encode(parts: Mapping[str, Part], task: Task) -> None:
    """Give every part its examples."""
    for part in parts.values():
        part.rows = task.encode(part.records)
