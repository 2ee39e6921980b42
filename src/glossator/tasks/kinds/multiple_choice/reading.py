"""Rows as a question, its choices, and the right one."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from glossator.errors import TextError
from glossator.tasks.kinds.multiple_choice.config import Options
from glossator.tasks.kinds.multiple_choice.examiner import ChoiceExaminer
from glossator.text.columns import named_value, read_text, rejected
from glossator.text.findings import count_of, excerpt, quoted
from glossator.text.records import Columns, Read, Record
from glossator.text.rows import Rejection, Row

__all__ = ["ChoiceReader", "Right"]

_SHOWN = 5
_DIGITS = 9  # a number with more is no place in a list


@dataclass(frozen=True, slots=True)
class Right:
    """The right choice; where it stands is no part of what is right, so choices may be shuffled."""

    text: str
    index: int = field(compare=False)


class ChoiceReader:
    """Reads a question, its choices, and which of them is right.

    Args:
        columns: by role.
        options: how choices are read.
    """

    def __init__(self, columns: Columns, options: Options):
        self.columns, self.options = columns, options

    @property
    def inputs(self) -> Columns:
        """See `Reader`."""
        return {role: self.columns[role] for role in ("question", "choices")}

    def given(self, value: Any) -> Mapping[str, Any]:
        """The columns of a question with its choices: a mapping by role or column, or a pair.

        Raises:
            TextError: it is neither, or has another number of choices than there are columns.
        """
        if isinstance(value, tuple) and len(value) == 2:
            value = {"question": value[0], "choices": value[1]}
        if not isinstance(value, Mapping):
            kind = type(value).__name__
            expected = 'a mapping such as {"question": "...", "choices": ["...", "..."]}'
            raise TextError(f"is {value!r:.60} ({kind}); expected {expected}")
        found = dict(value)
        if "question" in value:
            found[self.columns["question"][0]] = value["question"]
        if "choices" in value:
            found |= self._spread(value["choices"])
        return found

    def _spread(self, choices: Any) -> dict[str, Any]:
        """Choices that were given as one list, in their columns."""
        columns = self.columns["choices"]
        if len(columns) == 1:
            return {columns[0]: choices}
        if not isinstance(choices, list | tuple) or len(choices) != len(columns):
            raise TextError(f"choices is {choices!r:.60}; expected a list of {len(columns)}")
        return dict(zip(columns, choices, strict=True))

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        question = read_text(row, self.columns["question"], "question")
        if isinstance(question, Rejection):
            return question
        choices = self._choices(row)
        if isinstance(choices, Rejection):
            return choices
        right = self._right(row, choices) if targets else None
        if isinstance(right, Rejection):
            return right
        # Sorted, so that a question whose choices were shuffled is the same question.
        return Record(row, (question, choices), right, (question, *sorted(choices)))

    def _choices(self, row: Row) -> tuple[str, ...] | Rejection:
        columns = self.columns["choices"]
        if missing := [name for name in columns if name not in row.values]:
            message = f"the row has no column '{missing[0]}'"
            return rejected(row, "missing_column", message)
        if len(columns) > 1:
            items: Any = [row.values[name] for name in columns]
        else:
            items = self._listed(row, columns[0], row.values[columns[0]])
        if isinstance(items, Rejection):
            return items
        if len(items) < 2:
            message = f"column '{columns[0]}' holds {count_of(len(items), 'choice')}; expected two"
            return rejected(row, "few_choices", f"{message} or more")
        found = []
        for number, item in enumerate(items):
            name = columns[number if len(columns) > 1 else 0]
            text = read_text(Row(row.source, row.line, {name: item}), (name,), "choice")
            if isinstance(text, Rejection):
                return rejected(row, text.kind, f"choice {number}, counted from 0: {text.message}")
            found.append(text)
        return tuple(found)

    def _listed(self, row: Row, column: str, value: Any) -> Sequence[Any] | Rejection:
        """The choices of one cell."""
        separator = self.options.choice_separator
        if isinstance(value, str) and separator is not None:
            return [part.strip() for part in value.split(separator)]
        if isinstance(value, list | tuple):
            return value
        holds = excerpt(value) if isinstance(value, str) else named_value(value)
        message = f"column '{column}' holds {holds}; expected a list, in a cell of text a JSON list"
        if isinstance(value, str):
            parsed = _parsed(value)
            if isinstance(parsed, list):
                return parsed
            if parsed is not None:
                return rejected(row, "lone_surrogate", f"column '{column}': {parsed}")
            message += ' such as ["yes", "no"]; --choice-separator cuts other cells'
        return rejected(row, "not_a_list", message)

    def _right(self, row: Row, choices: Sequence[str]) -> Right | Rejection:
        (column,) = self.columns["answer"]
        if column not in row.values:
            return rejected(row, "missing_column", f"the row has no column '{column}'")
        value = row.values[column]
        if isinstance(value, str):
            text = read_text(row, (column,), "answer")
            if isinstance(text, Rejection):
                return text
            same = _places(text, choices)
            if len(same) > 1:
                listed = " and ".join(map(str, same))
                message = f"the answer {quoted(text)} is choices {listed} alike, counted from 0"
                return rejected(row, "several_choices", f"{message}; expected the number of one")
            index = same[0] if same else _index(text.strip())
        else:
            index = _whole(value)
        if index is None:
            return rejected(row, "no_choice", _unknown(column, value, choices))
        if 0 <= index < len(choices):
            return Right(choices[index], index)
        return _out_of_range(row, value, index, len(choices))

    def examiner(self) -> ChoiceExaminer:
        """See `Reader`."""
        return ChoiceExaminer()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """How many choices a row has, which says how hard it is."""
        return [len(record.input[1]) for record in records]


def _parsed(text: str) -> list[Any] | str | None:
    """The list of a JSON text; a string says what is wrong with its characters; None: no list."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    for item in value:
        if isinstance(item, str) and any("\ud800" <= char <= "\udfff" for char in item):
            return "a \\u escape is half of a surrogate pair, which is no character"
    return value


def _places(text: str, choices: Sequence[str]) -> list[int]:
    """Where a text stands among the choices, spaces round it left out where it does not else."""
    same = [number for number, choice in enumerate(choices) if choice == text]
    bare = text.strip()
    return same or [number for number, choice in enumerate(choices) if choice.strip() == bare]


def _index(text: str) -> int | None:
    """Digits or a capital letter as the number of a choice."""
    if len(text) == 1 and "A" <= text <= "Z":
        return ord(text) - ord("A")
    digits = text.removeprefix("-")
    fits = digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS
    return int(text) if fits else None


def _whole(value: Any) -> int | None:
    """A number as the number of a choice; columns with gaps have whole numbers as 2.0."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if value == value and abs(value) < 10**_DIGITS and value % 1 == 0 else None


def _unknown(column: str, value: Any, choices: Sequence[str]) -> str:
    holds = quoted(value) if isinstance(value, str) else named_value(value)
    listed = ", ".join(map(quoted, choices[:_SHOWN]))
    more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
    expected = "expected the number from 0, the letter from A or the text of one"
    none = f"which is none of the choices {listed}{more}"
    return f"column '{column}' holds {holds:.90}, {none}; {expected}"


def _out_of_range(row: Row, value: Any, index: int, count: int) -> Rejection:
    last = count - 1
    letter = isinstance(value, str) and value.strip().isalpha()
    what = f"the answer is {value!s:.40}"
    if letter:
        message = f"{what}; expected a letter from A to {chr(ord('A') + min(last, 25))}"
        return rejected(row, "answer_out_of_range", message)
    message = f"{what}; expected a number from 0 to {last}, counted from 0"
    if index == count:
        hint = "it looks counted from 1: subtract 1 from all"
        return rejected(row, "answer_from_1", f"{message}; {hint}")
    return rejected(row, "answer_out_of_range", message)
