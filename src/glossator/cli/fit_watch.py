"""What `glossator fit` tells while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from glossator.artifact.report_parts import RowCounts
from glossator.artifact.wording import measure
from glossator.cli.interrupts import was_interrupted
from glossator.cli.progress import Meter, meter
from glossator.cli.screen import Screen
from glossator.evaluation.figures import Measure
from glossator.finetuning.watch import Watch
from glossator.models.hardware import peak_memory
from glossator.text.findings import Finding
from glossator.training.events import (
    Ended,
    Evaluated,
    Event,
    Halved,
    Resumed,
    Started,
    Stepped,
)

__all__ = ["FitWatch"]


class FitWatch(Watch):
    """Shows the stages of a run on standard error; a context manager, whose end clears the bar.

    Args:
        screen: where.
    """

    def __init__(self, screen: Screen):
        self._screen = screen
        self._measures: Sequence[Measure] = ()
        self._stack = ExitStack()
        self._meter = Meter()
        self._scored, self._evaluated = 0, False
        self._reading = False
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

    def note(self, text: str) -> None:
        self._screen.say(f"! {text}", "yellow")

    def preflight(self, findings: Sequence[Finding], rows: RowCounts) -> None:
        self._screen.say("Preflight", "bold")
        self._screen.findings(findings)
        split = f"{rows.train:,} rows to learn from, {rows.dev:,} to choose by (dev)"
        self._screen.say(f"  {split}, {rows.test:,} to score on (test)")

    def model(self, notes: Sequence[str], measures: Sequence[Measure] = ()) -> None:
        self._measures = measures[:2]
        self._screen.say("Model", "bold")
        for note in notes:
            self._screen.say(f"  {note}")

    def rate_test(self, done: int, total: int) -> None:
        if done == 1:
            self._start("learning rates", total)
        self._meter.add(1)

    def training(self, event: Event) -> None:
        if isinstance(event, Started):
            self._screen.say("Training", "bold")
            self._start("training", event.steps)
            self._started = event
        elif isinstance(event, Stepped):
            self._meter.expect(_steps_in_time(event, self._started))
            self._meter.add(1, _speed(event))
        elif isinstance(event, Evaluated):
            self._evaluated = True
            self._screen.say(self.scored(event))
        elif isinstance(event, Resumed):
            self._meter.add(event.step, "")
            for damage in event.damaged:
                self.note(f"{damage}: it goes on from an older checkpoint")
            self._screen.say(f"  going on after step {event.step:,}")
            for difference in event.differences:
                self.note(f"{difference}: the last bits of the weights may differ")
        elif isinstance(event, Ended):
            why = "--time-limit" if event.by == "time" else "--patience"
            self._screen.say(f"  {why} ends it after {event.step:,} of {event.planned:,} steps")
        elif isinstance(event, Halved):
            budget = f"{event.token_budget:,}"
            self._screen.say(
                f"! not enough memory: going on with --token-budget {budget}", "yellow"
            )

    def scoring(self, done: int, total: int) -> None:
        if not self._scored:
            self._start("scoring", total)
            if was_interrupted():
                weights = "best weights so far" if self._evaluated else "last weights"
                message = f"Interrupted: the {weights} are scored and written"
                self._screen.say(f"{message}; Ctrl-C again ends without", "yellow")
        self._meter.add(done - self._scored)
        self._scored = done

    def scored(self, event: Evaluated) -> str:
        """A line on how well the dev rows are answered."""
        return _dev_scores(event, self._measures)

    def _start(self, title: str, total: int | None) -> None:
        self._stack.close()
        self._meter = self._stack.enter_context(meter(self._screen, title, total))


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


def _dev_scores(event: Evaluated, measures: Sequence[Measure]) -> str:
    best = ", the best so far" if event.best else ""
    told = ", ".join(f"{m.title} {measure(event.scores, m)}" for m in measures)
    return f"  epoch {event.epoch:.0f}: {told} on the dev rows{best}"
