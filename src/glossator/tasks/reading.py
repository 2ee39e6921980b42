"""What readers of rows share: a text, or a pair of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glossator.errors import TextError
from glossator.text.columns import read_text
from glossator.text.records import Columns
from glossator.text.rows import Rejection, Row

__all__ = ["TextsReader", "given_texts", "read_texts", "typed_texts"]

_SIDES = ("text", "text_pair")


class TextsReader:
    """Reads a text, or a pair of texts.

    Args:
        columns: by role.
    """

    def __init__(self, columns: Columns):
        self.columns = columns

    @property
    def inputs(self) -> Columns:
        """See `Reader`."""
        return {side: self.columns[side] for side in _SIDES if side in self.columns}

    def given(self, value: Any) -> Mapping[str, Any]:
        """See `Reader`."""
        return given_texts(value, self.inputs)


def read_texts(row: Row, columns: Columns) -> tuple[str, ...] | Rejection:
    """The text of a row, and the one that it is paired with where there is such a column."""
    texts = []
    for side in _SIDES:
        if side in columns:
            text = read_text(row, columns[side], side)
            if isinstance(text, Rejection):
                return text
            texts.append(text)
    return tuple(texts)


def given_texts(value: Any, columns: Columns) -> Mapping[str, Any]:
    """The columns of an input that was given from Python.

    Args:
        value: a text; of a pair a sequence of two; or a mapping by column or role.
        columns: by role, in the order of a pair.

    Raises:
        TextError: it is none of these.
    """
    sides = list(columns)
    if isinstance(value, Mapping):
        named = {columns[side][0]: value[side] for side in sides if side in value}
        return {**value, **named}
    parts = [value] if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) == len(sides):
        return {columns[side][0]: part for side, part in zip(sides, parts, strict=True)}
    expected = "a string" if len(sides) == 1 else "a pair of strings"
    kind = type(value).__name__
    raise TextError(f"is {value!r:.60} ({kind}); expected {expected}, or a mapping by column")


def typed_texts(*, pair: bool) -> dict[str, Any]:
    """The fields of `Words` that say how a text, or a pair of texts, is typed."""
    if not pair:
        return {"python_input": '"a text"', "command_input": "a text of your own"}
    return {
        "python_input": '("a text", "another")',
        "command_input": '{"text": "a text of your own", "text_pair": "another"}',
        "command_format": "jsonl",
    }
