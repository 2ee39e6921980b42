"""What `glossator fit` tells while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from glossator.artifact.report_parts import RowCounts
from glossator.artifact.wording import measure
from glossator.cli.interrupts import was_interrupted
from glossator.cli.progress import meter
from glossator.cli.screen import Screen
from glossator.evaluation.figures import Measure
from glossator.finetuning.bars import BarWatch
from glossator.text.findings import Finding, count_of
from glossator.training.events import Ended, Evaluated, Event, Halved, Resumed, Started

__all__ = ["FitWatch"]


class FitWatch(BarWatch):
    """Shows the stages of a run on standard error; a context manager, whose end clears the bar.

    Args:
        screen: where.
    """

    def __init__(self, screen: Screen):
        super().__init__(partial(meter, screen))
        self._screen = screen
        self._measures: Sequence[Measure] = ()
        self._evaluated = False
        self._reading = False

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

    def training(self, event: Event) -> None:
        if isinstance(event, Started):
            self._screen.say("Training", "bold")
        super().training(event)
        self._say(event)

    def refitting(self, event: Event) -> None:
        if isinstance(event, Started):
            self._screen.say("Refit", "bold")
            steps, rows = count_of(event.steps, "step"), count_of(event.rows, "row")
            self._screen.say(f"  {steps} on all {rows}, at the rates of the first training")
        super().refitting(event)
        self._say(event)

    def _say(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            self._evaluated = True
            self._screen.say(self.scored(event))
        elif isinstance(event, Resumed):
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
        if not self._scored and was_interrupted():
            weights = "best weights so far" if self._evaluated else "last weights"
            message = f"Interrupted: the {weights} are scored and written"
            self._screen.say(f"{message}; Ctrl-C again ends without", "yellow")
        super().scoring(done, total)

    def scored(self, event: Evaluated) -> str:
        """A line on how well the dev rows are answered."""
        return _dev_scores(event, self._measures)


def _dev_scores(event: Evaluated, measures: Sequence[Measure]) -> str:
    best = ", the best so far" if event.best else ""
    told = ", ".join(f"{m.title} {measure(event.scores, m)}" for m in measures)
    return f"  epoch {event.epoch:.0f}: {told} on the dev rows{best}"
