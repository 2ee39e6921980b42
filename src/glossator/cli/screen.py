"""Where a verb says things: results on standard output, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from glossator.cli.plain import one_line
from glossator.text.findings import Finding

__all__ = ["Screen", "grid"]

_WIDTH = 100  # where there is no terminal to ask
_STYLES = {"warning": "yellow", "error": "bold red"}


class Screen:
    """Standard output and standard error of one command.

    Args:
        json: the result is one JSON object. Standard error then shows progress on a terminal only,
            so that a program that reads it finds nothing but an error.

    Attributes:
        err: where progress is drawn.
        quiet: whether progress and notes are left out.
    """

    def __init__(self, *, json: bool):
        self._json = json
        self._out = _console(sys.stdout)
        self.err = _console(sys.stderr)
        self.quiet = json and not self.err.is_terminal

    def say(self, text: str, style: str = "") -> None:
        """One line of progress."""
        if not self.quiet:
            self.err.print(Text(one_line(text), style=style), soft_wrap=True)

    def findings(self, findings: Iterable[Finding], *, result: bool = False) -> None:
        """What preflight found, with the examples of a warning below it.

        Args:
            findings: what it found.
            result: whether that is the result of the command, or progress.
        """
        tell = self.line if result else self.say
        for finding in findings:
            mark = "  " if finding.severity == "info" else "! "
            tell(f"{mark}{finding.message}", _STYLES.get(finding.severity, ""))
            for example in finding.examples[:3] if finding.severity != "info" else ():
                tell(f"    {example}", "dim")

    def title(self, text: str) -> None:
        """A heading in the result."""
        self.line()
        self.line(text, "bold")

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the result."""
        if not self._json:
            self._out.print(Text(one_line(text), style=style), soft_wrap=True)

    def table(self, table: Table) -> None:
        """A table of the result."""
        if not self._json:
            self._out.print(table)

    def json(self, result: Mapping[str, Any]) -> None:
        """The result for a program; printed with `--json` alone."""
        if self._json:
            sys.stdout.write(json.dumps(result, indent=2, default=str, allow_nan=False) + "\n")
            sys.stdout.flush()  # who reads it may wait for it, while this process goes on


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]], *, text: int = 1) -> Table:
    """A table whose first `text` columns hold words and whose others hold figures."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def _console(stream: IO[str]) -> Console:
    width = None if stream.isatty() else _WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
