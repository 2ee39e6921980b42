"""The endpoint as an ASGI application: who asks, what is asked, and one form for every answer."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from glossator.serving.access import OPEN, Access
from glossator.serving.account import Account, accounting
from glossator.serving.disconnects import Disconnects
from glossator.serving.failures import frames
from glossator.serving.keys import Key, Role
from glossator.serving.problems import CLIENT_LEFT, Problem, Refused

__all__ = ["App", "ErrorForm", "Handler", "Told", "open_route", "route"]

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"
ErrorForm: TypeAlias = Callable[[Problem, str], dict[str, Any]]
"""The body that tells a problem of a request, of which it has the id."""

_ENDING = Problem("ending", "the server ends, and time is up; ask again in a moment", 503)
_LEFT = (499, "client_left")  # until there is an answer
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
# Anything else in that header is the client's own, and might be a text.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, kw_only=True)
class Told:
    """A request that was answered, as logs and metrics are told of it: no text, no secret.

    Attributes:
        request_id: also in the answer.
        method: of HTTP, and
        route: the path of the route, with names of parameters; empty where there is none.
        status: of the answer.
        seconds: that it took.
        key: id of the key; empty without one.
        problem: kind of what went wrong; empty where nothing did.
        account: what answering took.
        trace: where in our code something went wrong that should not have.
        parent: of the span that the client is in, as `traceparent` says it; empty without one.
    """

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    key: str = ""
    problem: str = ""
    account: Account = field(default_factory=Account)
    trace: tuple[str, ...] = ()
    parent: str = ""


def route(
    path: str,
    handler: Handler,
    *,
    role: Role,
    methods: Sequence[str] = ("GET",),
    form: ErrorForm | None = None,
) -> Route:
    """A route for keys of a role.

    Args:
        path: of it.
        handler: answers.
        role: that a key needs.
        methods: of HTTP.
        form: how its problems are told, where the protocol has a form of its own.
    """
    made = Route(path, handler, methods=list(methods))
    made.role, made.form = role, form or _form  # type: ignore[attr-defined]
    return made


def open_route(path: str, handler: Handler) -> Route:
    """A route that asks for no key; its path stands in `OPEN`."""
    assert path in OPEN, f"{path} is not among the open paths"
    return Route(path, handler, methods=["GET"])


class App:
    """Finds the route of a request, and turns what goes wrong into one JSON error.

    Args:
        routes: in the order in which they are tried.
        access: who may ask what.
        tell: is told of each request once it is answered, or its client has left.
        begin: is told that a request has come.
        admit: may refuse a request of a key before it is looked at.
        max_requests: that are answered at once; what comes above them is refused, unread.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        access: Access,
        *,
        tell: Callable[[Told], None] = lambda _: None,
        begin: Callable[[], None] = lambda: None,
        admit: Callable[[Key], None] = lambda _: None,
        max_requests: int | None = None,
    ):
        self.routes, self._access, self._admit = routes, access, admit
        self._tell, self._begin = tell, begin
        self._max_requests, self._running = max_requests, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        disconnects = Disconnects(receive)
        request = Request(scope, disconnects)
        request.state.id = secrets.token_hex(8)
        request.state.key = request.state.route = request.state.error = None
        began = time.perf_counter()
        status, problem = _LEFT
        self._begin()
        with accounting() as account:
            try:
                response, problem = await self._answered(request, disconnects)
                response.headers["X-Request-Id"] = request.state.id
                response.headers["X-Content-Type-Options"] = "nosniff"
                status = response.status_code
                await response(scope, receive, send)
            finally:
                seconds = time.perf_counter() - began
                self._tell(_told(request, account, status, seconds, problem))

    async def _answered(self, request: Request, disconnects: Disconnects) -> tuple[Response, str]:
        """What is answered, and what went wrong."""
        try:
            self._access.refuse_stranger(request)
            found, partial = self._found(request)
            request.state.route = found
            if found is None or found.path not in OPEN:
                # Without a key not even which routes there are is told.
                role: Role = "predict" if found is None else getattr(found, "role", "admin")
                request.state.key = self._access.caller(request, role)
                self._admit(request.state.key)
            if found is None:
                raise Refused(_no_route(partial))
            return await self._run(found, request), ""
        except Refused as refused:
            return _error(request, refused.problem, refused.headers), refused.problem.kind
        except asyncio.CancelledError:
            _as_if_not_cancelled()
            if disconnects.left:
                return _error(request, CLIENT_LEFT, {}), CLIENT_LEFT.kind
            return _error(request, _ENDING, {"Retry-After": "1"}), _ENDING.kind
        except Exception as error:
            problem = Problem("internal", "something went wrong; the log has the request id", 500)
            request.state.error = error
            return _error(request, problem, {}), f"internal: {type(error).__name__}"
        finally:
            disconnects.done()

    async def _run(self, found: Route, request: Request) -> Response:
        """What a route answers, if it can be asked beside the others that are."""
        handler: Handler = found.endpoint
        if request.state.key is None:  # whether it lives must be told, and costs nothing
            return await handler(request)
        if self._max_requests is not None and self._running >= self._max_requests:
            message = "too many requests are being answered; ask again in a moment"
            raise Refused(Problem("busy", message, 503), {"Retry-After": "1"})
        self._running += 1
        try:
            return await handler(request)
        finally:
            self._running -= 1

    def _found(self, request: Request) -> tuple[Route | None, bool]:
        """The route of a request, and where there is none whether another method has one."""
        partial = False
        for each in self.routes:
            match, child = each.matches(request.scope)
            if match is Match.FULL:
                request.scope.update(child)
                return each, False
            partial = partial or match is Match.PARTIAL
        return None, partial


def _as_if_not_cancelled() -> None:
    """Let the task go on, which is told of a request that nobody waits for."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()


def _told(request: Request, account: Account, status: int, seconds: float, problem: str) -> Told:
    key, found = request.state.key, request.state.route
    parent = request.headers.get("traceparent", "")
    return Told(
        request_id=request.state.id,
        method=request.method if request.method in _METHODS else "other",
        route=found.path if found else "",
        status=status,
        seconds=seconds,
        key=key.id if key else "",
        problem=problem,
        account=account,
        trace=frames(request.state.error),
        parent=parent if _TRACEPARENT.fullmatch(parent) else "",
    )


def _no_route(partial: bool) -> Problem:
    if partial:
        return Problem("wrong_method", "this path is asked with another method", 405)
    return Problem("no_route", "there is no such path; see /openapi.json", 404)


def _form(problem: Problem, request_id: str) -> dict[str, Any]:
    return {"error": problem.to_json(), "request_id": request_id}


def _error(request: Request, problem: Problem, headers: dict[str, str]) -> Response:
    form: ErrorForm = getattr(request.state.route, "form", _form)
    return JSONResponse(form(problem, request.state.id), problem.status, headers)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
