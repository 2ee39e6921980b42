"""What is shown of a fine-tuning run while it goes on: a bar for each of its long stages."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from glossator.finetuning.watch import Watch
from glossator.models.hardware import peak_memory
from glossator.runs.meter import Meter
from glossator.training.events import Event, Resumed, Started, Stepped

__all__ = ["BarWatch"]


class BarWatch(Watch):
    """Shows how far a run is; a context manager, whose end clears the bar.

    Args:
        meters: makes the meter of a stage, from its title and how many parts it has.
    """

    def __init__(self, meters: Callable[[str, int | None], Meter]):
        self._meters = meters
        self._stack = ExitStack()
        self._meter = Meter()
        self._scored = 0
        self._started = Started(0, 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def rate_test(self, done: int, total: int) -> None:
        if done == 1:
            self._start("learning rates", total)
        self._meter.add(1)

    def recipe_test(self, done: int, total: int) -> None:
        if done == 1:
            self._start("recipes", total)
        self._meter.add(1)

    def training(self, event: Event) -> None:
        self._show("training", event)

    def refitting(self, event: Event) -> None:
        self._show("refit", event)

    def _show(self, title: str, event: Event) -> None:
        if isinstance(event, Started):
            self._start(title, event.steps)
            self._started = event
        elif isinstance(event, Stepped):
            self._meter.expect(_steps_in_time(event, self._started))
            self._meter.add(1, _speed(event))
        elif isinstance(event, Resumed):
            self._meter.add(event.step, "")

    def scoring(self, done: int, total: int) -> None:
        if not self._scored:
            self._start("scoring", total)
        self._meter.add(done - self._scored)
        self._scored = done

    def _start(self, title: str, total: int | None) -> None:
        self._stack.close()
        self._meter = self._stack.enter_context(self._meters(title, total))


def _steps_in_time(event: Stepped, started: Started) -> int:
    """How many steps there will be, by those planned and by the time they may take."""
    if event.seconds <= 0 or started.seconds == math.inf:
        return started.steps
    in_time = math.ceil(event.step * started.seconds / event.seconds)
    return max(event.step, min(started.steps, in_time))


def _speed(event: Stepped) -> str:
    rate = event.tokens / max(event.seconds, 1e-9)
    memory = peak_memory("auto") / 2**30
    return (
        f"epoch {event.epoch:.1f}  loss {event.loss:.3f}  rate {event.rate:.1e}  "
        f"{rate:,.0f} tokens/s  {memory:.1f} GiB"
    )
