"""Texts of many requests, answered by one model in batches."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from glossator.serving.account import current_account
from glossator.serving.failures import frames
from glossator.serving.problems import Problem

__all__ = ["LATE", "Answerer", "Batcher", "Measured", "Outcome", "Question", "Unwanted"]

_LOG = logging.getLogger(__name__)

_KEPT = 0.9  # of what was known of the pace before a batch

Outcome: TypeAlias = "dict[str, Any] | Problem"
"""The prediction as JSON holds it, or why there is none."""

LATE = Problem("deadline", "the deadline passed before there was an answer", 503)
"""Of a text whose deadline passed, or whose client left."""


class Unwanted(Exception):
    """Nobody waits any longer for what a model is busy with."""


@dataclass(frozen=True)
class Question:
    """A text that is ready for the model.

    Attributes:
        item: what the answerer takes.
        cost: tokens, of all its windows.
        kind: what is asked; questions of one kind can be answered together.
    """

    item: Any
    cost: int
    kind: Hashable = None


class Answerer(Protocol):
    """A model, behind what the batcher needs of it."""

    def answer(
        self, kind: Hashable, items: Sequence[Any], step: Callable[[], None]
    ) -> Sequence[dict[str, Any]]:
        """The predictions of items of one kind; may raise anything.

        Args:
            kind: what is asked.
            items: of questions.
            step: is to be called now and then; raises Unwanted once nobody waits for any of them,
                which is to be let through.
        """


@dataclass(frozen=True)
class Measured:
    """A batch that was answered.

    Attributes:
        texts: in it, and
        tokens: of them.
        waited: seconds that the oldest of them had waited.
        took: seconds in the model.
        failures: of texts that the model failed with, where; nothing of the text.
    """

    texts: int
    tokens: int
    waited: float
    took: float
    failures: tuple[tuple[str, ...], ...] = ()


@dataclass(eq=False)
class _Waiting:
    question: Question
    since: float
    deadline: float
    done: asyncio.Future[Outcome]
    left: threading.Event = field(default_factory=threading.Event)
    batch: tuple[float, float] | None = None  # when it began, and how long it took


class _Pace:
    """How long a token takes of late."""

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """A batch more; those before it count a little less."""
        self._tokens = _KEPT * self._tokens + tokens
        self._seconds = _KEPT * self._seconds + seconds

    @property
    def seconds_a_token(self) -> float:
        """0 while nothing is known."""
        return self._seconds / self._tokens if self._tokens else 0.0


class Batcher:
    """Puts texts that wait together, up to a budget of tokens, and gives each its answer.

    A batch is formed as soon as the model is free; with `max_wait` it waits for company, never
    longer. A text with which the model fails is found by halves, and fails alone. One whose
    deadline has passed, or whose client has gone, does not reach the model; a batch of nothing else
    is given up between two steps of the model.

    Args:
        answerer: the model; asked on a thread of the batcher's own.
        budget: tokens of a batch at most, but for one text that has more.
        max_wait: seconds that a text waits for others while the model is free.
        observe: is told of each batch, on that thread.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        answerer: Answerer,
        *,
        budget: int,
        max_wait: float = 0.0,
        observe: Callable[[Measured], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._answerer, self.budget, self._max_wait = answerer, budget, max_wait
        self._observe, self._clock = observe, clock
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._tokens = 0
        self._pace = _Pace()
        self._thread = threading.Thread(target=self._run, name="glossator-model", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> tuple[int, int]:
        """How many texts wait, and their tokens."""
        with self._changed:
            return len(self._queue), self._tokens

    @property
    def delay(self) -> float:
        """Seconds that the model has to do before what comes now, at its pace of late.

        A full batch counts for nothing: a model that was asked one text at a time has a slow pace,
        and takes many at once all the same.
        """
        with self._changed:
            beyond = max(0, self._tokens - self.budget)
            return beyond * self._pace.seconds_a_token

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closed

    async def ask(self, questions: Iterable[Question], deadline: float) -> list[Outcome]:
        """The outcome of each question, in order; when it is cancelled what waits is dropped.

        Args:
            questions: of one request.
            deadline: by the clock; what has not begun then is a Problem.
        """
        loop, now = asyncio.get_running_loop(), self._clock()
        waiting = [_Waiting(x, now, deadline, loop.create_future()) for x in questions]
        self._put(waiting)
        try:
            found = list(await asyncio.gather(*(each.done for each in waiting)))
            self._account(waiting, self._clock() - now)
            return found
        except asyncio.CancelledError:
            for each in waiting:
                each.left.set()
            raise

    @staticmethod
    def _account(waiting: Sequence[_Waiting], seconds: float) -> None:
        """Split what a request waited: for the model, and in it."""
        inference = sum(took for _, took in {each.batch for each in waiting if each.batch})
        account = current_account()
        account.inference += inference
        account.queue += max(0.0, seconds - inference)

    def close(self, timeout: float | None = None) -> bool:
        """Answer what waits, then end; whether that was done within `timeout` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _put(self, waiting: Sequence[_Waiting]) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._queue.extend(waiting)
            self._tokens += sum(each.question.cost for each in waiting)
            self._changed.notify()

    def _run(self) -> None:
        while batch := self._next():
            began = self._clock()
            failures: list[tuple[str, ...]] = []
            outcomes = list(self._outcomes(batch, failures))
            took = self._clock() - began
            tokens = sum(each.question.cost for each in batch)
            if LATE not in outcomes:  # of what was given up it is not known how long it takes
                with self._changed:
                    self._pace.add(tokens, took)
            for each in batch:
                each.batch = (began, took)
            _resolve(batch, outcomes)
            oldest = min(each.since for each in batch)
            measured = Measured(len(batch), tokens, began - oldest, took, tuple(failures))
            try:
                self._observe(measured)
            except Exception as error:  # or nobody would be answered any more
                _LOG.error("a batch could not be counted: %s", type(error).__name__)

    def _next(self) -> list[_Waiting]:
        """The next batch; none once the batcher is closed and all is answered."""
        with self._changed:
            while True:
                self._drop()
                if self._queue and (rest := self._patience()) <= 0:
                    return self._take()
                if self._closed and not self._queue:
                    return []
                self._changed.wait(rest if self._queue else None)

    def _patience(self) -> float:
        """Seconds for which the oldest text may still wait for others."""
        if self._closed or self._tokens >= self.budget:
            return 0.0
        return self._queue[0].since + self._max_wait - self._clock()

    def _drop(self) -> None:
        """Take out what nobody waits for any more."""
        now, kept, late = self._clock(), [], []
        for each in self._queue:
            if each.left.is_set():
                self._tokens -= each.question.cost
            elif each.deadline <= now:
                self._tokens -= each.question.cost
                late.append(each)
            else:
                kept.append(each)
        if len(kept) < len(self._queue):
            self._queue = deque(kept)
            _resolve(late, [LATE] * len(late))

    def _take(self) -> list[_Waiting]:
        """The oldest text, and those of its kind that fit beside it, in their order."""
        first = self._queue[0].question.kind
        batch: list[_Waiting] = []
        rest: deque[_Waiting] = deque()
        tokens, full = 0, False
        for each in self._queue:
            full = full or (bool(batch) and tokens + each.question.cost > self.budget)
            if full or each.question.kind != first:
                rest.append(each)
            else:
                batch.append(each)
                tokens += each.question.cost
        self._queue, self._tokens = rest, self._tokens - tokens
        return batch

    def _outcomes(
        self, batch: Sequence[_Waiting], failures: list[tuple[str, ...]]
    ) -> Iterator[Outcome]:
        """The outcomes of questions of one kind; of those that fail also where, in `failures`."""

        def step() -> None:
            if not any(map(self._is_wanted, batch)):
                raise Unwanted

        try:
            items = [each.question.item for each in batch]
            found = list(self._answerer.answer(batch[0].question.kind, items, step))
            if len(found) != len(items):
                raise RuntimeError(f"{len(found)} answers for {len(items)} texts")
        except Unwanted:
            yield from [LATE] * len(batch)
        except Exception as error:
            if len(batch) == 1:
                failures.append(frames(error))
                yield Problem.of(error)
                return
            middle = len(batch) // 2
            yield from self._outcomes(batch[:middle], failures)
            yield from self._outcomes(batch[middle:], failures)
        else:
            yield from found

    def _is_wanted(self, waiting: _Waiting) -> bool:
        return not waiting.left.is_set() and waiting.deadline > self._clock()


def _resolve(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Give each its outcome, on the loop that waits for it; all at once, which wakes it once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Outcome]]] = {}
    for each, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(each.done.get_loop(), []).append((each, outcome))
    for loop, pairs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: Sequence[tuple[_Waiting, Outcome]]) -> None:
    for each, outcome in pairs:
        if not each.done.done():
            each.done.set_result(outcome)
