"""The columns of answers, for the formats that must fix them before the first row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from glossator.errors import TableError

__all__ = ["Answer", "Batch", "Layout"]

Answer: TypeAlias = Mapping[str, Any]

_ROWS = 1024  # answers in a batch; the first batch fixes the columns
_CHARACTERS = 2**24  # in a batch, so that long texts do not fill the memory


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in a row of answers.

    Args:
        file: the output, for messages.
        columns: the columns of the input rows.
        keys: the keys of the predictions; empty where no prediction was seen, and then a
            prediction is JSON text.
    """

    file: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, file: str, columns: Sequence[str], head: Sequence[Answer]) -> Layout:
        """The layout for the first answers; `columns` come first."""
        names = dict.fromkeys(columns)
        keys: dict[str, None] = {}
        for answer in head:
            names.update(dict.fromkeys(answer))
            keys.update(dict.fromkeys(answer["prediction"] or ()))
        return cls(file, tuple(n for n in names if n not in ("prediction", "error")), tuple(keys))

    def check(self, answer: Answer) -> None:
        """Raise TableError if `answer` has a key for which there is no column."""
        late = answer.keys() - {*self.columns, "prediction", "error"}
        if self.keys:
            late |= (answer["prediction"] or {}).keys() - set(self.keys)
        if late:
            message = (
                f"an answer has the key '{min(late)}', which the first {_ROWS} lacked; "
                "write .jsonl, where each row has its own keys"
            )
            raise TableError(message, file=self.file)


class Batch:
    """Answers held until there are enough to write together."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self._characters = 0

    def add(self, answer: Answer) -> bool:
        """Hold `answer`; true when the batch is full."""
        self.answers.append(answer)
        self._characters += sum(len(part) for part in answer.values() if isinstance(part, str))
        return len(self.answers) >= _ROWS or self._characters >= _CHARACTERS

    def take(self) -> list[Answer]:
        """The answers held, which are held no longer."""
        answers, self.answers, self._characters = self.answers, [], 0
        return answers
