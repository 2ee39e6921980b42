"""How a delimited file is written: its delimiter, quotes, escapes, header and encoding."""

from __future__ import annotations

from dataclasses import dataclass

from glossator.text.config import Quoting

__all__ = ["DELIMITERS", "Dialect", "named"]

DELIMITERS = {",": "comma", ";": "semicolon", "|": "vertical bar", "\t": "tab"}
"""What is looked for between fields, and how it is called."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    r"""How a delimited file is written.

    Attributes:
        delimiter: what stands between fields.
        quoting: `minimal`: quotes may stand round a field, and one inside it is written twice
            (RFC 4180); `none`: quotes are characters like any other.
        escape: what makes a quote, a delimiter, a line end or itself a plain character; None where
            nothing does. Before any other character it is one itself, as Spark writes it.
        columns: the names of the columns where the file has no header.
        first: the lines before the header or the first row (`sep=;`).
        encoding: of its bytes.
        found: what of these was found from the file, and not asked for.
    """

    delimiter: str = ","
    quoting: Quoting = "minimal"
    escape: str | None = None
    columns: tuple[str, ...] = ()
    first: int = 0
    encoding: str = "utf-8"
    found: frozenset[str] = frozenset()

    def lines(self) -> tuple[str, ...]:
        """How the file is read, a line for each of its properties."""
        quotes = {
            "minimal": 'may stand round a field; one inside it is written twice: ""',
            "none": "are characters",
        }[self.quoting]
        if self.escape is not None:
            quotes = quotes.partition(";")[0] + f"; {self.escape} takes its meaning from a quote"
        return (
            f"separator: {named(self.delimiter)}{self._origin('delimiter')}",
            f"quotes: {quotes}{self._origin('quoting')}",
            f"encoding: {self.encoding.upper()}{self._origin('encoding')}",
            f"header: {self._header()}",
        )

    def notes(self) -> tuple[str, ...]:
        """What was found and is not what the suffix says."""
        names = (("delimiter", 0), ("quoting", 1))
        return tuple(self.lines()[line] for name, line in names if name in self.found)

    def _header(self) -> str:
        if self.columns:
            return "none, the names of the columns were given"
        return "the first line" if not self.first else f"line {self.first + 1}"

    def _origin(self, name: str) -> str:
        return ", found from the file" if name in self.found else ""


def named(delimiter: str) -> str:
    """A delimiter with its name: `';' (semicolon)`."""
    name = DELIMITERS.get(delimiter)
    shown = repr(delimiter)
    return shown if name is None else f"{shown} ({name})"
