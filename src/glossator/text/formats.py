"""The file formats of tables, told by suffix."""

from __future__ import annotations

from pathlib import PurePath

from glossator.errors import ConfigError, TableError, did_you_mean

__all__ = ["FORMATS", "format_of"]

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
}
FORMATS = ("csv", "tsv", "jsonl", "json", "text", "parquet", "arrow")


def format_of(path: str, format: str | None = None) -> tuple[str, bool]:
    """The format of `path` and whether it is a gzip file, from its suffixes; `-` is JSON Lines.

    Args:
        path: a file name, or `-`.
        format: one of `FORMATS` where the suffix does not tell, or None.

    Raises:
        ConfigError: `format` is none of `FORMATS`.
        TableError: neither the suffix nor `format` tells, or Parquet inside gzip is asked for.
    """
    if format is not None and format not in FORMATS:
        raise ConfigError(
            f"unknown format '{format}'; expected one of {', '.join(FORMATS)}"
            + did_you_mean(format, FORMATS)
        )
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    gzipped = bool(suffixes) and suffixes[-1] == ".gz"
    inner = suffixes[:-1] if gzipped else suffixes
    found = format or ("jsonl" if path == "-" else _SUFFIXES.get(inner[-1] if inner else ""))
    if found is None:
        raise TableError(
            "the name does not tell the format; expected .csv, .tsv, .jsonl, .json, .txt (each "
            f"also with .gz) or .parquet, or --format with one of {', '.join(FORMATS)}",
            file=path,
        )
    if found in ("parquet", "arrow") and gzipped:
        named = found.capitalize()
        raise TableError(f"{named} is compressed inside; leave out the .gz", file=path)
    return found, gzipped
