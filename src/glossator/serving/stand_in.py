"""What is answered while no process is there that opens models."""

from __future__ import annotations

import secrets

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from glossator.serving.problems import Problem

__all__ = ["stand_in"]

_STARTS = Problem("not_ready", "the server starts again; ask again in a moment", 503)


async def stand_in(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that lives, and answers nothing else."""
    if scope["path"] == "/health/live":
        response = JSONResponse({"status": "live"})
    else:
        told = {"error": _STARTS.to_json(), "request_id": secrets.token_hex(8)}
        response = JSONResponse(told, _STARTS.status, {"Retry-After": "1"})
    # The next request is for a process that has its models.
    response.headers["Connection"] = "close"
    await response(scope, receive, send)
