"""The rows of a run that can be used, with their classes and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glossator.errors import TableError
from glossator.finetuning.data import Data
from glossator.tasks.learnable import Example, Task
from glossator.text.columns import LabelledText
from glossator.text.preflight import Preflight

__all__ = ["Part", "encode", "usable_parts"]


@dataclass
class Part:
    """The N rows of one part.

    Attributes:
        items: the rows.
        targets: (N,) class of each; -1 for a label that no training row has.
        rows: the examples of each, once they are encoded.
    """

    items: list[LabelledText]
    targets: NDArray[np.int64]
    rows: list[list[Example]] = field(default_factory=list)


def usable_parts(
    data: Data, checked: Preflight, known: Sequence[str]
) -> tuple[list[str], dict[str, Part]]:
    """The labels and the parts of a run.

    Args:
        data: what was read.
        checked: what its preflight said of it.
        known: labels of the model that is fine-tuned. Where they are those of the training rows
            their order is kept, so that a head that was trained for them can be; else it is sorted.

    Returns:
        the labels, and `train` and what else there is of `dev` and `test`.

    Raises:
        TableError: there are dev rows, but not one with a label that training has.
    """
    kept = {name: list(checked.keep(name, x)) for name, x in data.parts.named().items()}
    found = {item.label for item in kept["train"]}
    labels = list(known) if set(known) == found else sorted(found)
    place = {label: number for number, label in enumerate(labels)}
    parts = {
        name: Part(items, np.array([place.get(item.label, -1) for item in items], np.int64))
        for name, items in kept.items()
    }
    if "dev" in parts and parts["dev"].targets.max() < 0:
        raise TableError(
            "dev: no row has a label that the training rows have, so nothing can be chosen by "
            f"them; training has: {', '.join(labels[:10])}"
        )
    return labels, parts


def encode(parts: Mapping[str, Part], task: Task) -> None:
    """Give every part its examples."""
    for part in parts.values():
        part.rows = task.encode([item.text for item in part.items], part.targets.tolist())
