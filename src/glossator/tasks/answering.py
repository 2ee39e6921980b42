"""What tasks have in common that answer and are not learned from a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NoReturn, Self

from torch import nn

from glossator.errors import InputError
from glossator.evaluation.figures import Measure
from glossator.tasks.learnable import Batch, Coupling
from glossator.tasks.reading import TextsReader
from glossator.tasks.task import Base
from glossator.tasks.windowed import Windowed
from glossator.text.columns import read_text, rejected, select
from glossator.text.records import Columns, Read, Record, Trusting
from glossator.text.rows import Rejection, Row
from glossator.text.tokenizer import Tokenizer

__all__ = ["AnsweringKind", "AnsweringTask", "TextReader"]


class TextReader(TextsReader):
    """Reads one text a row.

    Args:
        columns: by role.
        refusal: why a text cannot be answered, if it cannot.
        blank: whether a text may show nothing.
    """

    def __init__(
        self,
        columns: Columns,
        refusal: Callable[[str], str | None] = lambda _: None,
        *,
        blank: bool = False,
    ):
        super().__init__({"text": columns["text"]})
        self._refusal, self._blank = refusal, blank

    def read(self, row: Row, *, targets: bool) -> Read:
        """See `Reader`."""
        text = (select if self._blank else read_text)(row, self.columns["text"])
        if isinstance(text, Rejection):
            return text
        if why := self._refusal(text):
            return rejected(row, "unanswerable", why)
        return Record(row, text, None, (text,))

    def examiner(self) -> Trusting:
        """See `Reader`."""
        return Trusting()

    def strata(self, records: Sequence[Record]) -> Sequence[Hashable] | None:
        """See `Reader`."""
        return None


class AnsweringKind:
    """A kind of such tasks."""

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> NoReturn:
        """Refuse: a table has nothing to learn from.

        Raises:
            InputError: always.
        """
        raise _unlearnable()


class AnsweringTask(Windowed):
    """A task that answers and is not learned from a table.

    Args:
        tokenizer: of the model.
        max_length: tokens of a window at most, special tokens counted.
    """

    name: str
    opens_as: str
    coupling: Coupling = "example"
    measures: Sequence[Measure] = ()
    chosen_by: Sequence[str] = ()
    settings: Mapping[str, Any] = {}

    def __init__(self, tokenizer: Tokenizer, max_length: int):
        self.tokenizer, self.max_length = tokenizer, max_length

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def saved(self) -> dict[str, Any]:
        """Nothing: all is in the model and its tokenizer."""
        return {"learned": {}, "options": {}, "decision": {}}

    def build(self, base: Base, seed: int) -> NoReturn:
        """Refuse, see `AnsweringKind.learn`."""
        raise _unlearnable()

    def loss(self, model: nn.Module, batch: Batch) -> NoReturn:
        """Refuse, see `AnsweringKind.learn`."""
        raise _unlearnable()

    def decided(self, records: Sequence[Record], answers: Sequence[Any]) -> Self:
        """The same: nothing is decided."""
        return self

    def scores(self, *, intervals: bool = True, paired: bool = False) -> NoReturn:
        """Refuse: a table has no right answers.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.name} has no right answers that a table could hold")


def _unlearnable() -> InputError:
    return InputError("this task is not learned from a table; `glossator pretrain` teaches it")
