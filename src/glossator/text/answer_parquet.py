"""Answers as Parquet, in batches through pyarrow, which is imported only here and by the reader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from glossator.errors import TableError
from glossator.text.answer_layout import Answer, Batch, Layout
from glossator.text.answer_lines import json_text

__all__ = ["Columnar", "parquet_writer"]


@contextlib.contextmanager
def parquet_writer(path: Path, file: str, columns: Sequence[str]) -> Iterator[Columnar]:
    """Yield a writer to `path`; `file` is the output's name in messages."""
    writer = Columnar(path, file, columns)
    try:
        yield writer
        writer.flush()
    finally:
        writer.close()


class Columnar:
    """Writes answers as columns; their types are fixed by the first batch.

    Raises:
        TableError: an answer has a key that the first answers lacked, or a value of another type.
    """

    def __init__(self, path: Path, file: str, columns: Sequence[str]) -> None:
        self._path = path
        self._file = file
        self._columns = columns
        self._batch = Batch()
        self._layout: Layout | None = None
        self._writer: Any = None

    def write(self, answer: Answer) -> None:
        if self._batch.add(answer):
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        answers = self._batch.take()
        if self._layout is None:
            self._open(answers)
        if answers:
            self._writer.write_table(self._table(answers))

    def close(self) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, head: Sequence[Answer]) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        self._layout = Layout.of(self._file, self._columns, head)
        error = {"kind": pa.string(), "message": pa.string(), "line": pa.int64()}
        fields = [
            (name, pa.struct(error) if name == "error" else self._type(name, head))
            for name in (*self._layout.columns, "prediction", "error")
        ]
        self._writer = pyarrow.parquet.ParquetWriter(self._path, pa.schema(fields))

    def _type(self, name: str, head: Sequence[Answer]) -> Any:
        import pyarrow as pa

        with self._explained(name):
            return _without_null(pa.infer_type([answer.get(name) for answer in head]))

    def _table(self, answers: Sequence[Answer]) -> Any:
        import pyarrow as pa

        assert self._layout is not None
        arrays = []
        for answer in answers:
            self._layout.check(answer)
        for field in self._writer.schema:
            values = [answer.get(field.name) for answer in answers]
            if field.name == "prediction" and not self._layout.keys:
                values = [value and json_text(value) for value in values]
            with self._explained(field.name):
                arrays.append(pa.array(values, field.type))
        return pa.Table.from_arrays(arrays, schema=self._writer.schema)

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            message = f"column '{name}' is not of one type: {reason}; write .jsonl"
            raise TableError(message, file=self._file) from None


def _without_null(type: Any) -> Any:
    """The type in which a column that was only null so far can take text."""
    import pyarrow as pa

    if pa.types.is_null(type):
        return pa.string()
    if pa.types.is_list(type):
        return pa.list_(_without_null(type.value_type))
    if pa.types.is_struct(type):
        return pa.struct([(field.name, _without_null(field.type)) for field in type])
    return type
