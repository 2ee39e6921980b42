"""Which delimiter a file is written with, found from its header and first rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Literal

from glossator.errors import TableError
from glossator.text.dialect import DELIMITERS, named

__all__ = ["find_delimiter", "separator_line"]

_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*')


def separator_line(lines: Sequence[str]) -> str | None:
    """The delimiter that a first line `sep=;` names, as Excel writes it; None without one."""
    match = _SEPARATOR.fullmatch(lines[0]) if lines else None
    return match and match[1]


def find_delimiter(lines: Sequence[str], file: str, columns: Sequence[str] = ()) -> str:
    """The delimiter under which the header has several names and the rows as many fields.

    Args:
        lines: the first of the file.
        file: its name in messages.
        columns: their names where the file has no header.

    Raises:
        TableError: two fit equally well.
    """
    shares = {d: share for d in DELIMITERS if (share := _share(lines, d, len(columns))) is not None}
    if not shares or list(shares) == [","]:
        return ","
    others = {d: share for d, share in shares.items() if d == "," or share > 0.5}
    best = [d for d, share in others.items() if share == max(others.values())]
    if len(best) > 1:
        told = " and ".join(map(named, best))
        raise TableError(
            f"the separators {told} fit equally well; name one: --delimiter", file=file
        )
    return best[0] if best else ","


def _share(lines: Sequence[str], delimiter: str, width: int) -> float | None:
    """The share of rows as wide as the header; None where that has a single field."""
    if width < 2:
        header = _records(lines[:1] if width else lines, delimiter, csv.QUOTE_MINIMAL)
        header = [fields for fields in header if fields][:1]
        if width or not header or len(header[0]) < 2 or not all(x.strip() for x in header[0][1:]):
            return None
    quotings: tuple[Literal[0, 3], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
    quotings = quotings if delimiter == "\t" else quotings[:1]
    return max(
        _fitting(_records(lines, delimiter, quoting, escape), width)
        for quoting in quotings
        for escape in (None, "\\")
    )


def _fitting(records: Sequence[Sequence[str]], width: int) -> float:
    rows = records if width else records[1:]
    width = width or len(records[0])
    return sum(len(fields) == width for fields in rows) / len(rows) if rows else 1.0


def _records(
    lines: Sequence[str], delimiter: str, quoting: Literal[0, 3], escape: str | None = None
) -> list[list[str]]:
    """The records up to the first that is broken, which counts as one of no width."""
    records: list[list[str]] = []
    try:
        reader = csv.reader(
            lines, delimiter=delimiter, quoting=quoting, escapechar=escape, strict=True
        )
        records.extend(reader)
    except csv.Error as error:
        if "unexpected end of data" not in str(error):
            records.append([""])
    return [fields for fields in records if fields]
