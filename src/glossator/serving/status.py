"""`/v1/status`: load, latency and errors of the last minutes, as the page draws them."""

from __future__ import annotations

import bisect
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
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
class _Interval:
    """What happened in some seconds.

    Attributes:
        at: when they began, seconds since 1970.
        requests: that asked for answers, and got an answer or an error.
        refused: of these with a status of 400 to 499, and
        failed: of 500 or more.
        latency: how many took as long as each of `EDGES` allows.
        texts: that went through a model,
        tokens: of these, and
        batches: in which they did.
    """

    at: int
    requests: int = 0
    refused: int = 0
    failed: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    texts: int = 0
    tokens: int = 0
    batches: int = 0


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
            now = self._now()
            now.requests += 1
            now.refused += 400 <= told.status < 500
            now.failed += told.status >= 500
            now.latency[bisect.bisect_left(EDGES, told.seconds * 1_000)] += 1

    def batch(self, measured: Measured) -> None:
        """Count a batch; may be called on any thread."""
        with self._lock:
            now = self._now()
            now.batches += 1
            now.texts += measured.texts
            now.tokens += measured.tokens

    def to_json(self) -> dict[str, Any]:
        """The intervals in which something happened, the oldest first.

        They are those of one process: who asks several tells them apart by `worker`, and adds.
        """
        with self._lock:
            oldest = self._began() - EVERY * _KEPT
            intervals = [asdict(each) for each in self._kept if each.at > oldest]
        return {
            "worker": os.getpid(),
            "now": int(self._clock()),
            "every": EVERY,
            "edges": list(EDGES),
            "intervals": intervals,
        }

    def _now(self) -> _Interval:
        """The interval that runs; hold the lock."""
        began = self._began()
        # A clock that was set back goes on with the interval that is there.
        if not self._kept or self._kept[-1].at < began:
            self._kept.append(_Interval(began))
        return self._kept[-1]

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
        return JSONResponse({**status.to_json(), "models": waiting})

    return [route("/v1/status", tell, role="predict")]
