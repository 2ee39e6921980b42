"""Whether the endpoint lives, and whether it can be asked."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glossator.serving.app import open_route

__all__ = ["Health", "health_routes"]


class Health:
    """Whether an endpoint can be asked.

    Args:
        others: whether the processes beside this one are ready.

    Attributes:
        ready: from the end of warming up until it is told to end.
    """

    def __init__(self, others: Callable[[], bool] = lambda: True):
        self.ready, self._others = False, others

    @property
    def all_ready(self) -> bool:
        """Whether this process and those beside it can be asked."""
        return self.ready and self._others()


def health_routes(health: Health) -> list[Route]:
    """`/health/live`, `/health/ready`, and `/health`, which is the same."""

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        if health.all_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503, {"Retry-After": "1"})

    return [
        open_route("/health/live", live),
        open_route("/health/ready", ready),
        open_route("/health", ready),
    ]
