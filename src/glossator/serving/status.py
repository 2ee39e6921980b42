"""`/v1/status`: load, latency and errors of the last minutes, as the page draws them."""

from __future__ import annotations

import bisect
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glossator.serving.app import Told, route
from glossator.serving.batcher import Measured
from glossator.serving.models import Models

__all__ = ["EDGES", "EVERY", "Status", "status_routes"]

EVERY = 5
"""Seconds of an interval."""
_KEPT = 120
EDGES = (
    1,
    2,
    3,
    5,
    7,
    10,
    15,
    20,
    30,
    50,
    70,
    100,
    150,
    200,
    300,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
)
"""Milliseconds at which the counts of latencies end; one more counts what took longer."""


@dataclass
class _Counts:
    """What happened in some seconds to one model.

    Attributes:
        requests: that asked for answers, and got an answer or an error.
        refused: of these with a status of 400 to 499, and
        failed: of 500 or more.
        latency: how many took as long as each of `EDGES` allows.
        texts: that went through a model,
        tokens: of these, and
        batches: in which they did.
    """

    requests: int = 0
    refused: int = 0
    failed: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    texts: int = 0
    tokens: int = 0
    batches: int = 0

    def add(self, other: _Counts) -> None:
        """Count what happened to another one as well."""
        for each in fields(self):
            mine, others = getattr(self, each.name), getattr(other, each.name)
            both = mine + others
            if each.name == "latency":
                both = [x + y for x, y in zip(mine, others, strict=True)]
            setattr(self, each.name, both)


@dataclass
class _Interval:
    """Some seconds.

    Attributes:
        at: when they began, seconds since 1970.
        counts: of what happened, by model; without a name what came to none.
    """

    at: int
    counts: dict[str, _Counts] = field(default_factory=dict)


class Status:
    """Counts what happens, interval by interval, and forgets what is older than ten minutes.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock = clock
        self._kept: deque[_Interval] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def request(self, told: Told) -> None:
        """Count a request, if it asked for answers: the page's own would drown these."""
        if told.method != "POST":
            return
        with self._lock:
            now = self._now(told.account.model)
            now.requests += 1
            now.refused += 400 <= told.status < 500
            now.failed += told.status >= 500
            now.latency[bisect.bisect_left(EDGES, told.seconds * 1_000)] += 1

    def batch(self, model: str, measured: Measured) -> None:
        """Count a batch of a model; may be called on any thread."""
        with self._lock:
            now = self._now(model)
            now.batches += 1
            now.texts += measured.texts
            now.tokens += measured.tokens

    def to_json(self, sees: Callable[[str], bool]) -> dict[str, Any]:
        """The intervals in which something happened, the oldest first.

        They are those of one process: who asks several tells them apart by `worker`, and adds.

        Args:
            sees: whether a model is shown to who asks; the empty name is what came to none.
        """
        intervals = []
        with self._lock:
            oldest = self._began() - EVERY * _KEPT
            for each in self._kept:
                seen = [counts for model, counts in each.counts.items() if sees(model)]
                if each.at > oldest and seen:
                    total = _Counts()
                    for counts in seen:
                        total.add(counts)
                    intervals.append({"at": each.at, **asdict(total)})
        return {
            "worker": os.getpid(),
            "now": int(self._clock()),
            "every": EVERY,
            "edges": list(EDGES),
            "intervals": intervals,
        }

    def _now(self, model: str) -> _Counts:
        """What happens to a model in the interval that runs; hold the lock."""
        began = self._began()
        # A clock that was set back goes on with the interval that is there.
        if not self._kept or self._kept[-1].at < began:
            self._kept.append(_Interval(began))
        return self._kept[-1].counts.setdefault(model, _Counts())

    def _began(self) -> int:
        return int(self._clock()) // EVERY * EVERY


def status_routes(status: Status, models: Models) -> list[Route]:
    """`/v1/status`."""

    async def tell(request: Request) -> Response:
        waiting = [
            {"id": one.name, "waiting": texts, "waiting_tokens": tokens}
            for one in models.all()
            if request.state.key.sees(one.name)
            for texts, tokens in [one.batcher.waiting]
        ]
        told = status.to_json(request.state.key.sees)
        return JSONResponse({**told, "models": waiting})

    return [route("/v1/status", tell, role="predict")]
