"""How tables are read, as the user asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from glossator.errors import ConfigError

__all__ = ["Quoting", "TableConfig"]

Quoting: TypeAlias = Literal["none", "minimal"]

_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """How tables are read; what is not said is found out from the file, and told.

    Attributes:
        format: of the tables; None reads it off the suffix.
        encoding: of text files; None is UTF-8, and auto takes the one that decodes the whole file.
        delimiter: between the fields of a row, one character or `tab`; None finds it.
        quoting: whether quotes may stand round a field (minimal) or are characters (none).
        escape: what takes its meaning from the character after it, most often a backslash.
        columns: names of the columns of a file without a header, in order.
        sheet: of a workbook (.xlsx, .xls, .ods); None takes the only one that has rows.
    """

    format: (
        Literal["csv", "tsv", "jsonl", "json", "text", "parquet", "arrow", "excel", "ods"] | None
    ) = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: Quoting | None = None
    escape: str | None = None
    columns: tuple[str, ...] = ()
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", _NAMED.get(self.delimiter, self.delimiter))
            _check_character("delimiter", self.delimiter)
        if self.escape is not None:
            _check_character("escape", self.escape)
            if self.escape == self.delimiter:
                raise ConfigError(f"--delimiter and --escape are both {self.escape!r}")
        if self.quoting not in (None, "none", "minimal"):
            raise ConfigError(f"--quoting is {self.quoting!r}; expected none or minimal")


def _check_character(option: str, value: str | None) -> None:
    if value is None or len(value) != 1 or value in '"\r\n\0' or value.isalnum():
        said = "one character that is no letter, digit, quote or line end"
        raise ConfigError(f"--{option} is {value!r}; expected {said}")
