"""CSV and TSV of every dialect, read through Python's `csv` in strict mode."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator

from glossator.errors import TableError
from glossator.text.columns import check_header, tidy_header
from glossator.text.decoding import Source
from glossator.text.dialect import Dialect
from glossator.text.rows import Item, Reading, Rejection, Row

__all__ = ["FIELD_LIMIT", "raw_records", "read_delimited"]

# Characters. `csv` holds a field in four bytes a character, so that a quote that is never closed
# costs 64 MiB and not the whole file.
FIELD_LIMIT = 16 * 2**20


def read_delimited(source: Source, dialect: Dialect) -> Reading:
    """Read the header, and stream the rows after it; every value stays the text that it is.

    A row with more or fewer fields than the header is a Rejection (`ragged`), and so is one with a
    NUL (`nul`). Blank lines are skipped, as `csv` does, and a note says so.

    Raises:
        TableError: there is no header, a quote is never closed or stands where none may be, a field
            is larger than `FIELD_LIMIT`; the line is that on which the broken record starts.
    """
    records = _records(source, dialect)
    if dialect.columns:
        columns = check_header(dialect.columns, source.name)
    else:
        line, header = next(records, (1, None))
        if header is None:
            raise TableError("the file is empty: it has no header", file=source.name)
        columns = check_header(tidy_header(header, source.note), source.name, line)
    return columns, (_item(source.name, line, columns, fields) for line, fields in records)


def raw_records(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield each record but blank lines, with the line on which it starts.

    Raises:
        csv.Error: a record is broken; its arguments are what is wrong and the line it starts on.
    """
    return _numbered(lines, dialect, lambda line: None, csv.Error)


def _records(source: Source, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    lines = source.lines("")
    for _ in range(dialect.first):
        next(lines, None)

    def broken(message: str, line: int) -> Exception:
        return TableError(_explained(message), file=source.name, line=line)

    return _numbered(lines, dialect, source.note_blank, broken)


def _numbered(
    lines: Iterable[str],
    dialect: Dialect,
    blank: Callable[[int], None],
    broken: Callable[[str, int], Exception],
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    reader = csv.reader(
        _escaping(lines, dialect.escape, dialect.delimiter) if dialect.escape else lines,
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_NONE if dialect.quoting == "none" else csv.QUOTE_MINIMAL,
        escapechar=dialect.escape,
        strict=True,
    )
    first = line = dialect.first + 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            else:
                blank(line)
            line = reader.line_num + first
    except csv.Error as error:
        raise broken(str(error), line) from None


def _escaping(lines: Iterable[str], escape: str, delimiter: str) -> Iterator[str]:
    """Lines in which an escape that escapes nothing is doubled, so that `csv` keeps it."""
    pair = re.compile(f"{re.escape(escape)}(.?)", re.DOTALL)
    special = {'"', "\r", "\n", delimiter, escape}
    return (
        pair.sub(lambda match: match[0] if match[1] in special else escape + match[0], line)
        for line in lines
    )


def _item(source: str, line: int, columns: tuple[str, ...], fields: list[str]) -> Item:
    values = dict(zip(columns, fields, strict=False))
    if len(fields) != len(columns):
        message = f"expected {len(columns)} fields as in the header, got {len(fields)}"
        return Rejection(source, line, "ragged", message, values)
    if any("\0" in field for field in fields):
        return Rejection(source, line, "nul", "the row holds a NUL byte", values)
    return Row(source, line, values)


def _explained(error: str) -> str:
    """What an error of `csv` means for the file."""
    if "unexpected end of data" in error:
        return (
            "a quote that is opened in this row is never closed; where quotes are characters: "
            "--quoting none"
        )
    if "field limit" in error:
        return (
            f"a field of this row is larger than {FIELD_LIMIT} characters; most often a quote "
            "is opened in it and never closed"
        )
    return (
        f'{error}; a quote inside a quoted field is written twice: ""; where it is written '
        "otherwise: --escape, or --quoting none"
    )
