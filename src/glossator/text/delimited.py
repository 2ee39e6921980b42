"""CSV and TSV, read through Python's `csv` in strict mode."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from glossator.errors import TableError
from glossator.text.columns import check_header
from glossator.text.decoding import Source
from glossator.text.rows import Item, Reading, Rejection, Row

__all__ = ["FIELD_LIMIT", "read_delimited"]

# Characters. `csv` holds a field in four bytes a character, so that a quote that is never closed
# costs 64 MiB and not the whole file.
FIELD_LIMIT = 16 * 2**20


def read_delimited(source: Source, delimiter: str) -> Reading:
    """Read the header, and stream the rows after it; every value stays the text that it is.

    A row with more or fewer fields than the header is a Rejection (`ragged`), and so is one with a
    NUL (`nul`). Blank lines are skipped, as `csv` does, and a note says so.

    Raises:
        TableError: there is no header, a quote is never closed or stands where none may be, a field
            is larger than `FIELD_LIMIT`; the line is that on which the broken record starts.
    """
    records = _records(source, delimiter)
    line, header = next(records, (1, None))
    if header is None:
        raise TableError("the file is empty: it has no header", file=source.name)
    columns = check_header(header, source.name, line)
    return columns, (_item(source.name, line, columns, fields) for line, fields in records)


def _records(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    reader = csv.reader(source.lines(""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(_explained(error), file=source.name, line=line) from None
        if fields:
            yield line, fields
        else:
            source.note_blank(line)


def _item(source: str, line: int, columns: tuple[str, ...], fields: list[str]) -> Item:
    values = dict(zip(columns, fields, strict=False))
    if len(fields) != len(columns):
        message = f"expected {len(columns)} fields as in the header, got {len(fields)}"
        return Rejection(source, line, "ragged", message, values)
    if any("\0" in field for field in fields):
        return Rejection(source, line, "nul", "the row holds a NUL byte", values)
    return Row(source, line, values)


def _explained(error: csv.Error) -> str:
    """What an error of `csv` means for the file."""
    if "unexpected end of data" in str(error):
        return "a quote that is opened in this row is never closed"
    if "field limit" in str(error):
        return (
            f"a field of this row is larger than {FIELD_LIMIT} characters; most often a quote "
            "is opened in it and never closed"
        )
    return f'{error}; a quote inside a quoted field is written twice: ""'
