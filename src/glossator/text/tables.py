"""Tables in: CSV, TSV, JSON Lines, text and Parquet files as rows and rejections.

No value is changed, no row is dropped silently, and memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from glossator.errors import ConfigError
from glossator.text.columns import check_columns
from glossator.text.decoding import Source, check_file
from glossator.text.delimited import read_delimited
from glossator.text.formats import FORMATS, format_of
from glossator.text.jsonlines import read_jsonl
from glossator.text.rows import Item, Reading, Rejection, Row, Table

__all__ = [
    "FORMATS",
    "Item",
    "Rejection",
    "Row",
    "Table",
    "joined",
    "open_table",
    "open_tables",
    "read_tables",
]


def open_table(
    path: str | Path, *, format: str | None = None, encoding: str | None = None
) -> Table:
    """Open a table to stream its rows and rejections.

    Args:
        path: a .csv, .tsv, .jsonl, .txt (each also with .gz) or .parquet file; `-` is standard
            input, in JSON Lines unless `format` says otherwise.
        format: `csv`, `tsv`, `jsonl`, `text` (one text a line, column `text`) or `parquet`; None
            reads it off the suffix.
        encoding: the encoding of a text file, e.g. `latin-1` or `gb18030`; None is UTF-8. A byte
            order mark wins over it.

    Raises:
        TableError: the file is missing, a folder, empty, or cannot be read; what breaks later is
            raised while iterating, with file and line.
        ColumnError: the header has a name that is empty, doubled, or `prediction`.
        ConfigError: the format or the encoding is unknown.
    """
    return _open(str(path), format, encoding, [])


def open_tables(
    paths: Sequence[str | Path], *, format: str | None = None, encoding: str | None = None
) -> list[Table]:
    """Open several tables, each as `open_table` does; that all are there is looked at first.

    Raises:
        ConfigError: there is none.
        TableError, ColumnError: as `open_table`.
    """
    if not paths:
        raise ConfigError("no table was named; expected at least one file")
    for path in paths:
        _check_there(str(path))
    notes: list[str] = []
    return [_open(str(path), format, encoding, notes) for path in paths]


def joined(tables: Sequence[Table]) -> Table:
    """Open tables one after the other as one; its columns are those of all together."""
    if len(tables) == 1:
        return tables[0]
    names = tuple(dict.fromkeys(chain.from_iterable(table.columns for table in tables)))
    path = ", ".join(table.path for table in tables)
    return Table(path, lambda: (names, chain.from_iterable(tables)), tables[0].notes)


def read_tables(
    paths: Sequence[str | Path],
    columns: Sequence[str] = (),
    *,
    format: str | None = None,
    encoding: str | None = None,
) -> Table:
    """Several files one after the other as one table; `columns` are those of all files together.

    Args:
        paths: the files, in order; at least one.
        columns: the columns that every file must have.
        format: as in `open_table`, for every file.
        encoding: as in `open_table`, for every file.

    Raises:
        ColumnError: a file lacks one of `columns`.
        TableError, ConfigError: as `open_table`.
    """
    tables = open_tables(paths, format=format, encoding=encoding)
    for table in tables:
        check_columns(table, columns)
    return joined(tables)


def _check_there(path: str) -> None:
    if path != "-":  # a folder is called one, and a missing file missing, whatever its name ends in
        check_file(path)


def _open(path: str, format: str | None, encoding: str | None, notes: list[str]) -> Table:
    _check_there(path)
    found, gzipped = format_of(path, format)
    if found == "parquet":
        from glossator.text.parquet import read_parquet

        return Table(path, lambda: read_parquet(path), notes)
    source = Source(path, packing="gz" if gzipped else "", encoding=encoding, notes=notes)
    named = path != "-" or format is not None
    return Table(source.name, lambda: _begin(source, found, named), notes, once=source.once)


def _begin(source: Source, format: str, named: bool) -> Reading:
    if format == "jsonl":
        return read_jsonl(source, named=named)
    if format == "text":
        return _read_text(source)
    return read_delimited(source, "," if format == "csv" else "\t")


def _read_text(source: Source) -> Reading:
    r"""One text a line, ended by `\n` or `\r\n`; a blank line is an empty text."""
    lines = source.lines("\n")
    first = next(lines, "")  # an empty file is refused here and not while iterating
    numbered = enumerate(chain([first], lines), start=1)
    return ("text",), (_text_item(source.name, number, line) for number, line in numbered)


def _text_item(source: str, number: int, line: str) -> Item:
    values = {"text": line.removesuffix("\n").removesuffix("\r")}
    if "\0" in line:
        return Rejection(source, number, "nul", "the line holds a NUL byte", values)
    return Row(source, number, values)
