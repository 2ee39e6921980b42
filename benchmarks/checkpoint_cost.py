"""What checkpoints cost, and what the engine takes for itself, as shares of a training step.

One run of MiniLM on Banking77. Checkpoints: the seconds for which a save holds training up, and by
how much the steps are slower while it is written, over a hundred steps of the usual length. The
engine: all time of all workers that is not the model's forward, backward or the optimizer, over the
steps that no checkpoint touches. Both want a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.common import data_folder, head_of_table, median, parser, write_result

STEPS_BETWEEN = 100  # what the bar is set for, and the default of --checkpoint-steps
WARM = 20  # new shapes compile kernels, and the pages of the heap come in
BATCH = 32
OURS = ("forward", "backward", "optimizer")


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--steps", type=int, default=300)
    p.add_argument("--every", type=int, default=20, help="steps between checkpoints, here")
    a = p.parse_args(arguments)
    clock = Clock()
    with clock.running():
        train(a, clock)
    steps = clock.steps[WARM:]
    result = {
        "model": "minilm",
        "data": "banking77",
        "batch": BATCH,
        "steps": len(steps),
        "milliseconds_of_a_step": round(1000 * median([x.wall for x in steps if x.quiet]), 1),
        "checkpoints": checkpoint_cost(steps),
        "engine": engine_share(steps, clock.workers),
    }
    write_result("checkpoint_cost", arguments, result)


@dataclass(frozen=True)
class Step:
    """One step, in seconds.

    Attributes:
        wall: from the end of the step before to its own.
        inside: of it, what the loop counts as the step; the rest is saving and telling.
        tokens: that it learned from.
        saved: whether a checkpoint was handed over since the step before.
        writing: whether one was being written meanwhile.
        spent: of all workers, by what on.
    """

    wall: float
    inside: float
    tokens: int
    saved: bool
    writing: bool
    spent: Counter[str]

    @property
    def quiet(self) -> bool:
        return not (self.saved or self.writing)


def checkpoint_cost(steps: Sequence[Step]) -> dict[str, float]:
    """Seconds of one checkpoint, and their share of a hundred steps."""
    quiet = [step for step in steps if step.quiet]
    pace = median([step.inside / step.tokens for step in quiet])
    apart = median([step.wall - step.inside for step in quiet])
    held: list[float] = []
    slower: list[float] = []
    for step in steps:
        if step.saved:
            held.append(step.wall - step.inside - apart)
            slower.append(0.0)
        if step.writing and slower:
            slower[-1] += step.inside - pace * step.tokens
    seconds = median([sum(pair) for pair in zip(held, slower, strict=True)])
    return {
        "checkpoints": len(held),
        "seconds_held_up": round(median(held), 4),
        "seconds_of_slower_steps": round(median(slower), 4),
        "steps_while_written": round(sum(step.writing for step in steps) / len(held), 1),
        f"share_every_{STEPS_BETWEEN}": round(
            seconds / (STEPS_BETWEEN * median([step.wall for step in quiet])), 4
        ),
    }


def engine_share(steps: Sequence[Step], workers: int) -> dict[str, float]:
    """Shares of the time of all workers, each of which a step occupies as long as it lasts."""
    quiet = [step for step in steps if step.quiet]
    total = workers * sum(step.wall for step in quiet)
    spent = sum((step.spent for step in quiet), Counter())
    shares = {what: seconds / total for what, seconds in spent.items()}
    engine = 1 - sum(shares[what] for what in OURS)
    named = sum(share for what, share in shares.items() if what not in OURS)
    return {
        "workers": workers,
        "share": round(engine, 4),
        "share_without_waiting": round(engine - shares.get("waiting", 0.0), 4),
        **{what: round(share, 4) for what, share in shares.items()},
        "bookkeeping": round(engine - named, 4),
    }


class Clock:
    """Measures the steps of a run by its events, and what is called in them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.workers = 1
        self._spent: Counter[str] = Counter()
        self._saved = self._writing = False
        self._last, self._seconds, self._tokens = 0.0, 0.0, 0
        self._lock, self._thread = threading.Lock(), threading.local()

    def told(self, event: Any) -> None:
        """Of an event of the loop."""
        kind, now = type(event).__name__, time.perf_counter()
        if kind == "Saved":  # told after the step in which the writer ended
            self._writing = False
        if kind != "Stepped":
            return
        with self._lock:
            spent, self._spent = self._spent, Counter()
        self.steps.append(
            Step(
                wall=now - self._last,
                inside=event.seconds - self._seconds,
                tokens=event.tokens - self._tokens,
                saved=self._saved,
                writing=self._writing,
                spent=spent,
            )
        )
        self._last, self._seconds, self._tokens = now, event.seconds, event.tokens
        self._saved = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Time what the loop calls; of calls in one another each counts its own time."""
        import torch

        from glossator.models.attention import AttentionPlan
        from glossator.tasks.kinds.text_classification.task import OneLabel
        from glossator.training import checkpoints, masters, sharding, workers

        timed = [
            (OneLabel, "loss", "forward"),
            (torch.autograd, "grad", "backward"),
            (masters.MasterWeights, "take_gradients", "optimizer"),
            (sharding._Shard, "square_of_norm", "optimizer"),
            (sharding._Shard, "step", "optimizer"),
            (OneLabel, "collate", "collate"),
            (AttentionPlan, "build", "plan"),
        ]
        with contextlib.ExitStack() as stack:
            for owner, name, what in timed:
                stack.enter_context(_replaced(owner, name, self._timed(getattr(owner, name), what)))
            stack.enter_context(
                _replaced(workers.Workers, "map", self._mapped(workers.Workers.map))
            )
            saved = self._saving(checkpoints.Checkpoints.save)
            stack.enter_context(_replaced(checkpoints.Checkpoints, "save", saved))
            yield

    def _add(self, what: str, seconds: float) -> None:
        with self._lock:
            self._spent[what] += seconds

    def _timed(self, function: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            within = getattr(self._thread, "within", 0.0)
            self._thread.within, began = 0.0, time.perf_counter()
            try:
                return function(*values, **named)
            finally:
                seconds = time.perf_counter() - began
                # Outside the workers' threads, one call has all of torch's threads.
                count = 1 if hasattr(self._thread, "worker") else self.workers
                self._add(what, count * (seconds - self._thread.within))
                self._thread.within = within + seconds

        return call

    def _mapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(workers: Any, work: Callable[[Any], Any], items: Sequence[Any]) -> Any:
            self.workers = workers.count
            if len(items) == 1 or workers.count == 1:
                return function(workers, work, items)
            busy: list[float] = []

            def one(item: Any) -> Any:
                self._thread.worker, began = True, time.perf_counter()
                try:
                    return work(item)
                finally:
                    busy.append(time.perf_counter() - began)

            began = time.perf_counter()
            results = function(workers, one, items)
            self._add("waiting", workers.count * (time.perf_counter() - began) - sum(busy))
            return results

        return call

    def _saving(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> None:
            function(*values, **named)
            self._saved = self._writing = True

        return call


def train(a: argparse.Namespace, clock: Clock) -> None:
    """The run: as `glossator fit` does it, one epoch."""
    from glossator.finetuning.config import DataConfig, FitConfig, ModelConfig
    from glossator.finetuning.run import run_fit
    from glossator.finetuning.watch import Watch
    from glossator.training.config import TrainingConfig

    class Told(Watch):
        def training(self, event: Any) -> None:
            clock.told(event)

    with tempfile.TemporaryDirectory() as scratch:
        tables = {name: pathlib.Path(scratch, f"{name}.csv") for name in ("train", "test")}
        for name, rows in (("train", a.steps * BATCH), ("test", 64)):
            head_of_table(data_folder(a) / "banking77" / f"{name}.csv", rows, tables[name])
        options = FitConfig(
            data=DataConfig(test=str(tables["test"]), dev_fraction=0.0),
            model=ModelConfig(model="minilm"),
            training=TrainingConfig(
                epochs=1, batch_size=BATCH, learning_rate=2e-4, checkpoint_steps=a.every
            ),
        )
        run_fit([str(tables["train"])], options, output=pathlib.Path(scratch, "m"), watch=Told())


@contextlib.contextmanager
def _replaced(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    before = owner.__dict__[name]
    static = isinstance(before, classmethod | staticmethod)
    setattr(owner, name, staticmethod(function) if static else function)
    try:
        yield
    finally:
        setattr(owner, name, before)
