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
        tell: is told when that changes.
        others: whether the processes beside this one are ready.
    """

    def __init__(
        self,
        tell: Callable[[bool], None] = lambda _: None,
        others: Callable[[], bool] = lambda: True,
    ):
        self._ready, self._tell, self._others = False, tell, others

    @property
    def ready(self) -> bool:
        """From the end of warming up until it is told to end."""
        return self._ready

    @ready.setter
    def ready(self, ready: bool) -> None:
        self._ready = ready
        self._tell(ready)

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
