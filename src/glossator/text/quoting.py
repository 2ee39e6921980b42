"""What quotes and backslashes mean in a delimited file, found from the whole of it."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glossator.errors import TableError
from glossator.text.decoding import Source
from glossator.text.delimited import raw_records
from glossator.text.dialect import Dialect

__all__ = ["find_quoting"]


@dataclass
class _Fit:
    """How well a file fits a dialect.

    Attributes:
        broken: whether it cannot be read to its end.
        ragged: records with more or fewer fields than the first.
        records: how many there are.
        quoted: whether a quote stands round every field.
        width: the fields of the first record.
    """

    broken: bool = False
    ragged: int = 0
    records: int = 0
    quoted: bool = False
    width: int = 0


def find_quoting(source: Source, dialect: Dialect) -> Dialect:
    """The dialect with the meaning of quotes under which the whole file fits.

    Between tabs quotes are characters unless the whole file is well quoted. Elsewhere a backslash
    escapes where the whole file fits that rule and not RFC 4180. Of a pipe only the first lines
    are looked at.

    Raises:
        TableError: the file fits with quotes round fields and with quotes as characters.
    """
    if dialect.delimiter == "\t":
        return _between_tabs(source, dialect) if _holds(source, [b'"']) else dialect
    ends = [b'"', b"\r", b"\n", dialect.delimiter.encode(errors="replace")]
    if not _holds(source, [b"\\" + end for end in ends]):
        return dialect
    escaped = dataclasses.replace(dialect, escape="\\", found=dialect.found | {"quoting"})
    standard = _fit(source, dialect)
    if not standard.broken and not standard.ragged:
        return dialect
    other = _fit(source, escaped)
    return dialect if other.broken or other.ragged else escaped


def _between_tabs(source: Source, dialect: Dialect) -> Dialect:
    characters = dataclasses.replace(dialect, quoting="none", found=dialect.found | {"quoting"})
    quoted, plain = _fit(source, dialect), _fit(source, characters)
    if quoted.broken or (plain.ragged < quoted.ragged and not quoted.quoted):
        return characters
    several = quoted.width > 1
    same = quoted.quoted or plain.ragged > quoted.ragged or plain.records == quoted.records
    if several and not same:
        message = (
            "the file fits with quotes round fields and with quotes as characters; "
            "name one: --quoting minimal or --quoting none"
        )
        raise TableError(message, file=source.name)
    return dialect


def _holds(source: Source, needles: list[bytes]) -> bool:
    """Whether the bytes hold one of `needles`; of a pipe, or of wide characters, perhaps."""
    if source.once or source.encoding.startswith(("utf-16", "utf-32", "utf_16", "utf_32")):
        return True
    first = needles[0][:1]  # of all of them
    last = b""
    for block in source.blocks():
        if last or first in block:
            both = last + block
            if any(needle in both for needle in needles):
                return True
        last = block[-1:] if block.endswith(first) else b""
    return False


def _fit(source: Source, dialect: Dialect) -> _Fit:
    fit, length = _Fit(), _Length()
    lines = source.head() if source.once else source.lines("")
    quotes, fit.width = 0, len(dialect.columns)
    try:
        for _, fields in raw_records(length.of(_after(lines, dialect.first)), dialect):
            fit.width = fit.width or len(fields)
            fit.records += 1
            fit.ragged += len(fields) != fit.width
            quotes += sum(len(x) + x.count('"') + 3 for x in fields) - 1
    except csv.Error as error:
        fit.broken = not source.once or "unexpected end" not in error.args[0]
    # A quoted field is longer by its two quotes and one for each inside, others are not.
    fit.quoted = quotes == length.characters
    return fit


def _after(lines: Iterable[str], count: int) -> Iterator[str]:
    return (line for number, line in enumerate(lines) if number >= count)


class _Length:
    """Counts the characters of lines; of line ends only those inside of fields."""

    def __init__(self) -> None:
        self.characters = 0

    def of(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield the lines."""
        inside = False
        for line in lines:
            self.characters += len(line)
            inside ^= line.count('"') % 2 == 1
            if not inside:
                self.characters -= len(line) - len(line.rstrip("\r\n"))
            yield line
