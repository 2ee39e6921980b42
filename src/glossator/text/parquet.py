"""Parquet, Arrow and Feather through pyarrow, which is imported only here and by the writer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glossator.errors import TableError
from glossator.text.columns import check_header
from glossator.text.decoding import check_file
from glossator.text.rows import Item, Reading, Rejection, Row

__all__ = ["read_arrow", "read_parquet"]

_BATCH = 1024  # rows held at a time


def read_parquet(path: str) -> Reading:
    """Read the schema, and stream the rows; `line` is the number of the row, from 1.

    A row with bytes that are not UTF-8 in a text column is a Rejection (`not_utf8`).

    Raises:
        TableError: `path` is no Parquet file, or is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    check_file(path)
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(f"cannot be read as Parquet: {_first_line(error)}", file=path) from None
    columns = check_header(file.schema_arrow.names, path)
    return columns, _rows(_parquet_batches(file), path, "Parquet")


def read_arrow(path: str) -> Reading:
    """As `read_parquet`, of a file or a stream of Arrow's IPC format, which Feather (2) is.

    Raises:
        TableError: `path` is neither, or is damaged.
    """
    import pyarrow
    import pyarrow.ipc

    check_file(path)
    memory = _mapped(path)
    try:
        names = _batches(memory)[0].names
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(f"cannot be read as Arrow: {_first_line(error)}", file=path) from None
    return check_header(names, path), _rows(_arrow_batches(memory), path, "Arrow")


def _mapped(path: str) -> Any:
    import pyarrow

    try:
        return pyarrow.OSFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(f"cannot be read as Arrow: {_first_line(error)}", file=path) from None


def _batches(memory: Any) -> tuple[Any, Iterator[Any]]:
    """The schema and the batches of rows, each cut into small ones."""
    import pyarrow

    memory.seek(0)
    try:
        file = pyarrow.ipc.open_file(memory)
        whole = (file.get_batch(number) for number in range(file.num_record_batches))
    except pyarrow.ArrowInvalid:
        memory.seek(0)
        file = pyarrow.ipc.open_stream(memory)
        whole = iter(file)
    return file.schema, (
        batch.slice(at, _BATCH) for batch in whole for at in range(0, batch.num_rows, _BATCH)
    )


def _rows(batches: Iterator[Any], path: str, format: str) -> Iterator[Item]:
    """The rows of batches; what breaks on the way is told with the row after the last good one."""
    import pyarrow

    number = 0
    try:
        for batch in batches:
            for values in _values(batch):
                number += 1
                yield _item(path, number, values)
    except (pyarrow.ArrowException, OSError) as error:
        message = f"the {format} file is damaged: {_first_line(error)}"
        raise TableError(message, file=path, line=number + 1) from None


def _arrow_batches(memory: Any) -> Iterator[Any]:
    yield from _batches(memory)[1]


def _parquet_batches(file: Any) -> Iterator[Any]:
    with file:
        yield from file.iter_batches(batch_size=_BATCH)


def _values(batch: Any) -> Iterator[dict[str, Any] | None]:
    """The rows of a batch; None for one that is not UTF-8, which only pyarrow's decoding finds."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            try:
                yield batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _item(path: str, number: int, values: dict[str, Any] | None) -> Item:
    if values is None:
        message = "a text column holds bytes that are not UTF-8"
        return Rejection(path, number, "not_utf8", message)
    return Row(path, number, values)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
