"""How far it is: a live bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from glossator.artifact.wording import duration
from glossator.cli.screen import Screen

__all__ = ["Meter", "meter"]

_SECONDS = 5.0


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


def meter(screen: Screen, title: str, total: int | None) -> Meter:
    """A meter for a job of `total` parts; None where that is not known beforehand."""
    if screen.quiet:
        return Meter()
    return _Bar(screen, title, total) if screen.err.is_terminal else _Lines(screen, title, total)


class _Bar(Meter):
    def __init__(self, screen: Screen, title: str, total: int | None):
        super().__init__()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True) if total else TimeElapsedColumn(),
            TextColumn("left" if total else ""),
            TextColumn("{task.fields[detail]}", markup=False, table_column=_rest()),
            expand=True,
            console=screen.err,
            refresh_per_second=4,
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


class _Lines(Meter):
    def __init__(self, screen: Screen, title: str, total: int | None):
        super().__init__()
        self._screen, self._title, self._total = screen, title, total

    def __enter__(self) -> Meter:
        self._began = self._told = time.monotonic()
        return self

    def expect(self, total: int) -> None:
        self._total = total

    def draw(self, done: int, detail: str) -> None:
        now = time.monotonic()
        if now - self._told < _SECONDS:
            return
        self._told = now
        parts = [f"{self._title} {done:,}" + (f"/{self._total:,}" if self._total else ""), detail]
        if self._total:
            parts.append(f"{duration((now - self._began) / done * (self._total - done))} left")
        self._screen.say("  " + "  ".join(part for part in parts if part))
