"""How far it is: a live bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time

from glossator.artifact.wording import duration
from glossator.cli.screen import Screen
from glossator.runs.meter import Bar, Meter

__all__ = ["meter"]

_SECONDS = 5.0


def meter(screen: Screen, title: str, total: int | None) -> Meter:
    """A meter for a job of `total` parts; None where that is not known beforehand."""
    if screen.quiet:
        return Meter()
    return Bar(screen.err, title, total) if screen.err.is_terminal else _Lines(screen, title, total)


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
