"""Answers as CSV and TSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import IO, Any

from glossator.errors import ColumnError
from glossator.text.answer_layout import Answer, Batch, Layout
from glossator.text.answer_lines import json_text

__all__ = ["Cells"]

# What starts a formula in a spreadsheet, with the full-width forms that some take for the same
# (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Cells:
    """Writes answers as cells; a context manager, whose end writes what is still held.

    Args:
        stream: takes the text; opened with `newline=""`.
        delimiter: what stands between cells.
        file: the output, for messages.
        columns: the columns of the input, which come first.

    Raises:
        ColumnError: an input column has the name of a column of the answers.
        TableError: an answer has a key that the first answers lacked.
    """

    def __init__(self, stream: IO[str], delimiter: str, file: str, columns: Sequence[str]) -> None:
        # The ends are \r\n because `csv` quotes a field with \r in it only if they contain it.
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
        self._file = file
        self._columns = columns
        self._batch = Batch()
        self._layout: Layout | None = None

    def __enter__(self) -> Cells:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()

    def write(self, answer: Answer) -> None:
        if self._batch.add(answer):
            self._flush()

    def _flush(self) -> None:
        answers = self._batch.take()
        if self._layout is None:
            self._layout = Layout.of(self._file, self._columns, answers)
            self._writer.writerow(map(_escaped, _header(self._layout)))
        for answer in answers:
            self._layout.check(answer)
            self._writer.writerow(map(_cell, _values(self._layout, answer)))


def _header(layout: Layout) -> list[str]:
    predicted = [f"prediction_{key}" for key in layout.keys] or ["prediction"]
    for name in predicted:
        if name in layout.columns:
            message = f"the input column '{name}' is where answers are written; rename it"
            raise ColumnError(message, file=layout.file)
    return [*layout.columns, *predicted, "error"]


def _values(layout: Layout, answer: Answer) -> Iterator[Any]:
    yield from (answer.get(name) for name in layout.columns)
    prediction = answer["prediction"]
    if layout.keys:
        yield from ((prediction or {}).get(key) for key in layout.keys)
    else:
        yield prediction
    error = answer.get("error")
    yield error and f"{error['kind']}: {error['message']}"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _escaped(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool | int | float | dict | list | tuple):
        return json_text(value)
    return str(value)


def _escaped(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
