"""The formats of tables, told by suffix; a folder is one too."""

from __future__ import annotations

import dataclasses
import os
from pathlib import PurePath

from glossator.errors import ConfigError, TableError, did_you_mean
from glossator.text.config import TableConfig

__all__ = ["FORMATS", "fitting", "format_of", "refuse_unfit"]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "text",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "ods",
    ".toml": "tasks",
}
FORMATS = ("csv", "tsv", "jsonl", "json", "text", "parquet", "arrow", "excel", "ods")
_FIT = {"sheet": "a workbook (.xlsx, .xls, .ods)", "encoding": "a text file"}
_PACKED = {"parquet": "Parquet", "arrow": "Arrow", "excel": "an Excel file", "ods": "an .ods file"}


def format_of(path: str, format: str | None = None) -> tuple[str, bool]:
    """The format of `path` and whether it is a gzip file, from its suffixes; `-` is JSON Lines.

    A folder, which holds a text a file, is a `folder`; a .toml, which lists tables, is `tasks`.

    Args:
        path: a name, or `-`.
        format: one of `FORMATS` where the suffix does not tell, or None.

    Raises:
        ConfigError: `format` is none of `FORMATS`.
        TableError: neither the suffix nor `format` tells, Parquet inside gzip is asked for, or a
            folder in another format than text.
    """
    if format is not None and format not in FORMATS:
        raise ConfigError(
            f"unknown format '{format}'; expected one of {', '.join(FORMATS)}"
            + did_you_mean(format, FORMATS)
        )
    if os.path.isdir(path):
        if format not in (None, "text"):
            message = f"is a folder; name the files in it, or leave out --format {format}"
            raise TableError(message, file=path)
        return "folder", False
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    gzipped = bool(suffixes) and suffixes[-1] == ".gz"
    inner = suffixes[:-1] if gzipped else suffixes
    found = format or ("jsonl" if path == "-" else _SUFFIXES.get(inner[-1] if inner else ""))
    if found is None:
        raise TableError(
            "the name does not tell the format; expected .csv, .tsv, .jsonl, .json, .txt (each "
            "also with .gz), .parquet, .xlsx or .ods, or --format with one of "
            f"{', '.join(FORMATS)}",
            file=path,
        )
    if found in _PACKED and gzipped:
        raise TableError(f"{_PACKED[found]} is compressed inside; leave out the .gz", file=path)
    return found, gzipped


def refuse_unfit(path: str, format: str, config: TableConfig) -> None:
    """Refuse what was asked for where it says nothing of a file: a delimiter of a workbook.

    Raises:
        ConfigError: the message names the option and the file.
    """
    for name in _unfit(format):
        if getattr(config, name):
            where = _FIT.get(name, "a .csv or .tsv file")
            raise ConfigError(f"--{name} is for {where}, and {path} is none")


def fitting(path: str, config: TableConfig) -> TableConfig:
    """`config` without what says nothing of a file that lies beside those it was asked for."""
    try:
        format, _ = format_of(path, config.format)
    except TableError:  # which opening it says, after looking whether it is there
        return config
    usual = TableConfig()
    return dataclasses.replace(config, **{name: getattr(usual, name) for name in _unfit(format)})


def _unfit(format: str) -> tuple[str, ...]:
    """The options that say nothing of a format, and are refused."""
    if format in ("excel", "ods"):
        return ("delimiter", "quoting", "escape", "encoding")
    if format == "folder":
        return ("delimiter", "quoting", "escape", "columns", "sheet")
    return ("sheet",)
