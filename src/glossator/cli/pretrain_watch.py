"""What `glossator pretrain` tells while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.cli.fit_watch import FitWatch
from glossator.cli.scores import pretraining_scores
from glossator.pretraining.watch import Watch
from glossator.training.events import Evaluated

__all__ = ["PretrainWatch"]


class PretrainWatch(FitWatch, Watch):
    """Shows the stages of a run on standard error; a context manager, whose end clears the bar."""

    def reading(self, documents: int) -> None:
        if not self._reading:
            self._reading = True
            self._start("reading documents", None)
        self._meter.add(documents)

    def corpus(self, lines: Sequence[str]) -> None:
        self._stack.close()
        self._screen.say("Corpus", "bold")
        for line in lines:
            self._screen.say(f"  {line}")

    def scored(self, event: Evaluated) -> str:
        best = ", the best so far" if event.best else ""
        return f"  step {event.step:,}: {pretraining_scores(event.scores)}{best}"
