"""How far a job is: a bar that moves, on a terminal or in a notebook."""

from __future__ import annotations

import io
import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

__all__ = ["Bar", "Meter", "NotebookBar", "shown_meter"]

_SECONDS = 0.25  # between two pictures of a bar


class Meter:
    """Shows how much of a job is done; a context manager. This one shows nothing."""

    def __init__(self) -> None:
        self._done = 0

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def expect(self, total: int) -> None:
        """It is known better how many parts there are."""

    def add(self, count: int, detail: str = "") -> None:
        """So much was done since the last call."""
        self._done += count
        self.draw(self._done, detail)

    def draw(self, done: int, detail: str) -> None:
        """Show that so much is done since the job began."""


def shown_meter(title: str, total: int | None) -> Meter:
    """A meter in a notebook or on the terminal that standard error is; elsewhere one of nothing."""
    console = Console(stderr=True)
    if console.is_jupyter:
        return NotebookBar(title, total)
    return Bar(console, title, total) if console.is_terminal else Meter()


class Bar(Meter):
    """A bar on a terminal, gone when the job is done.

    Args:
        console: of the terminal.
        title: of the job.
        total: how many parts it has; None where that is not known beforehand.
    """

    def __init__(self, console: Console, title: str, total: int | None):
        super().__init__()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True) if total else TimeElapsedColumn(),
            TextColumn("left" if total else ""),
            TextColumn("{task.fields[detail]}", markup=False, table_column=_rest()),
            expand=True,
            console=console,
            refresh_per_second=round(1 / _SECONDS),
            transient=True,
        )
        self._task = self._bar.add_task(title, total=total, detail="")

    def __enter__(self) -> Meter:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, total: int) -> None:
        self._bar.update(self._task, total=total)

    def draw(self, done: int, detail: str) -> None:
        self._bar.update(self._task, completed=done, detail=detail)


def _rest() -> Column:
    """A column of what room the others leave, so that a narrow terminal cuts it alone."""
    return Column(ratio=1, no_wrap=True, overflow="ellipsis")


class NotebookBar(Bar):
    """A bar in the output of a cell: text that is replaced, for which IPython alone is needed.

    The arguments are those of `Bar`.
    """

    def __init__(self, title: str, total: int | None):
        self._text = io.StringIO()
        super().__init__(Console(file=self._text, width=100, force_jupyter=False), title, total)
        self._drawn = 0.0

    def __enter__(self) -> Meter:
        from IPython.display import display  # a notebook has it

        self._handle: Any = display(self._picture(), raw=True, display_id=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.update({"text/plain": ""}, raw=True)

    def draw(self, done: int, detail: str) -> None:
        super().draw(done, detail)
        now = time.monotonic()
        if now - self._drawn >= _SECONDS:
            self._drawn = now
            self._handle.update(self._picture(), raw=True)

    def _picture(self) -> dict[str, str]:
        self._text.seek(0)
        self._text.truncate()
        self._bar.console.print(self._bar.get_renderable())
        return {"text/plain": self._text.getvalue().rstrip()}
