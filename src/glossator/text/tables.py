"""Tables in: CSV, TSV, JSON Lines, text, Parquet and Excel files as rows and rejections.

No value is changed, no row is dropped silently, and memory does not grow with the rows.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from glossator.errors import ConfigError, TableError
from glossator.text.columns import check_columns, resolved
from glossator.text.config import TableConfig
from glossator.text.decoding import Source, check_file
from glossator.text.delimited import read_delimited
from glossator.text.dialect import Dialect
from glossator.text.formats import FORMATS, format_of, refuse_unfit
from glossator.text.json_document import read_json
from glossator.text.jsonlines import read_jsonl
from glossator.text.quoting import find_quoting
from glossator.text.rows import Item, Reading, Rejection, Row, Table
from glossator.text.separators import find_delimiter, separator_line
from glossator.text.task_tables import open_task_tables
from glossator.text.text_folder import open_folder

__all__ = [
    "FORMATS",
    "Item",
    "Rejection",
    "Row",
    "Table",
    "held_out",
    "joined",
    "joined_with",
    "open_table",
    "open_tables",
    "read_tables",
]

_DEFAULTS = TableConfig()


def open_table(path: str | Path, config: TableConfig = _DEFAULTS, **options: Any) -> Table:
    """Open a table to stream its rows and rejections.

    Args:
        path: a .csv, .tsv, .jsonl, .txt (each also with .gz), .parquet, .xlsx or .ods
            file, or a folder of .txt files; `-` is standard input, in JSON Lines unless `format`
            says otherwise.
        config: how it is read.
        **options: fields of `config` that are otherwise.

    Raises:
        TableError: the file is missing, empty, or cannot be read; what breaks later is
            raised while iterating, with file and line.
        ColumnError: the header has a name that is empty, doubled, or `prediction`.
        ConfigError: the format or the encoding is unknown.
    """
    return _open(str(path), dataclasses.replace(config, **options), [])


def open_tables(paths: Sequence[str | Path], config: TableConfig = _DEFAULTS) -> list[Table]:
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
    return [_open(str(path), config, notes) for path in paths]


def joined(tables: Sequence[Table]) -> Table:
    """Open tables one after the other as one; its columns are those of all together."""
    if len(tables) == 1:
        return tables[0]
    _refuse_lists(tables)
    names = tuple(dict.fromkeys(chain.from_iterable(table.columns for table in tables)))
    path = ", ".join(table.path for table in tables)
    dialects = {table.dialect for table in tables}
    shared = dialects.pop() if len(dialects) == 1 else None
    return Table(
        path, lambda: (names, chain.from_iterable(tables)), tables[0].notes, dialect=shared
    )


def read_tables(
    paths: Sequence[str | Path],
    columns: Sequence[str] = (),
    config: TableConfig = _DEFAULTS,
    **options: Any,
) -> Table:
    """Several files one after the other as one table; `columns` are those of all files together.

    Args:
        paths: the files, in order; at least one.
        columns: the columns that every file must have.
        config: how every file is read.
        **options: fields of `config` that are otherwise.

    Raises:
        ColumnError: a file lacks one of `columns`.
        TableError, ConfigError: as `open_table`.
    """
    return joined_with(columns, open_tables(paths, dataclasses.replace(config, **options)))


def joined_with(columns: Sequence[str], tables: Sequence[Table]) -> Table:
    """As `joined`, of tables that must each have some columns, in any case.

    Raises:
        ColumnError: one lacks a column.
    """
    tables = [_renamed(table, columns) for table in tables]
    for table in tables:
        check_columns(table, columns)
    return joined(tables)


def held_out(table: Table) -> Table:
    """The rows to answer and to score: of a list of tables its test tables, where it has some."""
    if "test" not in table.beside:
        if table.files:
            table.notes.append(f"{table.path} names no test table; its training tables are read")
        return table
    found = table.beside["test"].table
    found.notes.append(f"{table.path}: its test tables are read: {', '.join(found.files)}")
    return found


def _renamed(table: Table, columns: Sequence[str]) -> Table:
    """The table with the names asked for, where its own differ by case alone."""
    names = {here[0]: name for name, here in resolved({x: (x,) for x in columns}, table).items()}
    if all(here == name for here, name in names.items()):
        return table

    def begin() -> Reading:
        return tuple(names.get(x, x) for x in table.columns), map(_under, table)

    def _under(item: Item) -> Item:
        if item.values is None:
            return item
        return dataclasses.replace(
            item, values={names.get(x, x): value for x, value in item.values.items()}
        )

    return Table(table.path, begin, table.notes, once=table.once, dialect=table.dialect)


def _refuse_lists(tables: Sequence[Table]) -> None:
    """Raise TableError where one of several tables is a list of some."""
    for table in tables:
        if table.files:
            message = "lists tables, and is read by itself; name the other tables in it"
            raise TableError(message, file=table.path)


def _check_there(path: str) -> None:
    if path != "-" and not os.path.isdir(path):  # a missing file is called so, whatever its suffix
        check_file(path)


def _open(path: str, config: TableConfig, notes: list[str]) -> Table:
    _check_there(path)
    found, gzipped = format_of(path, config.format)
    if found == "tasks":
        return open_task_tables(path, config, lambda file, how: _open(file, how, notes), notes)
    refuse_unfit(path, found, config)
    if found == "folder":
        return open_folder(path, config, notes)
    if found == "parquet":
        from glossator.text.parquet import read_parquet

        return Table(path, lambda: read_parquet(path), notes)
    if found == "arrow":
        from glossator.text.parquet import read_arrow

        return Table(path, lambda: read_arrow(path), notes)
    if found in ("excel", "ods"):
        from glossator.text.workbooks import open_workbook

        return open_workbook(path, config, notes)
    source = Source(path, packing="gz" if gzipped else "", encoding=config.encoding, notes=notes)
    if found in ("csv", "tsv"):
        dialect = _find_dialect(source, found, config)
        return Table(
            source.name,
            lambda: read_delimited(source, dialect),
            notes,
            once=source.once,
            dialect=dialect,
        )
    named = path != "-" or config.format is not None
    readers: dict[str, Callable[[Source], Reading]] = {
        "jsonl": partial(read_jsonl, named=named),
        "json": read_json,
    }
    read = readers.get(found, _read_text)
    return Table(source.name, lambda: read(source), notes, once=source.once)


def _find_dialect(source: Source, format: str, config: TableConfig) -> Dialect:
    """How a CSV or TSV file is written: as asked for, or as it is found to be.

    Raises:
        TableError: the file can be read in two ways; the message names the option that settles it.
    """
    head = source.head()
    marked = separator_line(head)
    usual = "," if format == "csv" else "\t"
    delimiter = config.delimiter or marked or usual
    if format == "csv" and not config.delimiter and not marked:
        delimiter = find_delimiter(head, source.name, config.columns)
    found = {"delimiter"} if not config.delimiter and delimiter != usual else set()
    dialect = Dialect(
        delimiter=delimiter,
        quoting=config.quoting or "minimal",
        escape=config.escape,
        columns=config.columns,
        first=int(marked is not None),
        encoding=source.encoding,
        found=frozenset(found),
    )
    if config.quoting is None and config.escape is None:
        dialect = find_quoting(source, dialect)
    for note in dialect.notes():
        source.note(note)
    return dialect


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
