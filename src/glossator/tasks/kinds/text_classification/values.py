"""Labels of the types that they had: classes have names, and what a name stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from glossator.errors import InputError
from glossator.text.columns import text_of
from glossator.text.findings import Finding, Tally
from glossator.text.records import Record

__all__ = ["Label", "LabelTypes", "checked", "given_labels", "label_values", "values_of"]

Label: TypeAlias = str | bool | int | float
"""A label as the table has it, and as it is answered."""

_TYPES: dict[type, str] = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def given_labels(record: Record, column: str) -> Sequence[Any]:
    """The cells that the labels of a row were read from; a text is one, whatever is cut from it."""
    given = record.row.values.get(column)
    return given if isinstance(given, list | tuple) else (given,)


def label_values(records: Iterable[Record], column: str) -> dict[str, Label]:
    """What the names of classes stand for, by name; empty where they are texts.

    Numbers of which one has a fraction are all floats, as in a column of a data frame.
    """
    found: dict[str, Label] = {}
    for record in records:
        for value in given_labels(record, column):
            name = text_of(value) if type(value) in (bool, int, float) else None
            if name is None:
                return {}
            found[name] = value
    types = set(map(type, found.values()))
    if types == {int, float}:
        return {name: float(value) for name, value in found.items()}
    return found if len(types) == 1 else {}


def values_of(labels: Sequence[str], saved: Sequence[Any] | None) -> tuple[Label, ...]:
    """What C labels stand for, as a folder has it; folders without it have texts.

    Raises:
        ValueError: it is of other labels.
    """
    if saved is None:
        return tuple(labels)
    types = set(map(type, saved))
    if len(saved) != len(labels) or len(types) != 1 or not types <= {bool, int, float}:
        raise ValueError(f"{len(saved)} values of {len(labels)} labels: {list(saved)[:5]}")
    return tuple(saved)


def checked(label: Any, values: Sequence[Label]) -> Label:
    """A label as Python has it; of another type it would count as wrong in silence.

    Raises:
        InputError: it is of another type than the classes.
    """
    plain = label.item() if isinstance(label, np.generic) else label
    expected, got = _TYPES[type(values[0])], _TYPES.get(type(plain))
    if got != expected:
        kind = type(label).__name__
        raise InputError(f"label {label!r} is of type {kind}; expected {expected}")
    found: Label = plain
    return found


class LabelTypes:
    """Sees to it that labels of one table are of one type."""

    def __init__(self) -> None:
        self._names: dict[Label, str] = {}
        self._kinds: dict[str, Tally] = {}
        self._twice = Tally()

    def add(self, values: Iterable[Any], place: str) -> None:
        """Take in the labels of a row."""
        for value in values:
            kind = _TYPES.get(type(value))
            if kind is None:
                continue
            if kind not in self._kinds:
                self._kinds[kind] = Tally()
            self._kinds[kind].add("{!r:.60} at {}", value, place)
            if kind == "a number":
                name = self._names.setdefault(value, str(value))
                if name != str(value):
                    self._twice.add("{} and {} at {}", name, str(value), place)

    def findings(self) -> Iterable[Finding]:
        """That types are mixed, so that nobody can tell which was meant."""
        if len(self._kinds) > 1:
            rare = min(self._kinds.values(), key=lambda tally: tally.count)
            each = "; ".join(
                f"{kind[2:]}s: {tally.count:,}, the first {tally.examples[0]}"
                for kind, tally in self._kinds.items()
            )
            message = f"labels are of several types ({each}): write all of them alike"
            yield rare.finding("mixed_types", "error", message)
        elif self._twice.count:
            message = (
                f"the same number is written in two ways ({self._twice.examples[0]}), which would "
                "be two classes: write it alike"
            )
            yield self._twice.finding("mixed_types", "error", message)
