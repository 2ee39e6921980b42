"""The endpoint as an ASGI application: who asks, what is asked, and one form for every answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from glossator.serving.access import OPEN, Access
from glossator.serving.keys import Key, Role
from glossator.serving.problems import Problem, Refused

__all__ = ["App", "ErrorForm", "Handler", "Told", "open_route", "route"]

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"
ErrorForm: TypeAlias = Callable[[Problem, str], dict[str, Any]]
"""The body that tells a problem of a request, of which it has the id."""


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
    """

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    key: str = ""
    problem: str = ""


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
        tell: is told of each request once it is answered.
        admit: may refuse a request of a key before it is looked at.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        access: Access,
        *,
        tell: Callable[[Told], None] = lambda _: None,
        admit: Callable[[Key], None] = lambda _: None,
    ):
        self.routes, self._access, self._tell, self._admit = routes, access, tell, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request.state.id = secrets.token_hex(8)
        request.state.key = None
        began = time.perf_counter()
        found, response, problem = await self._answered(request)
        response.headers["X-Request-Id"] = request.state.id
        response.headers["X-Content-Type-Options"] = "nosniff"
        await response(scope, receive, send)
        key = request.state.key
        self._tell(
            Told(
                request_id=request.state.id,
                method=request.method,
                route=found.path if found else "",
                status=response.status_code,
                seconds=time.perf_counter() - began,
                key=key.id if key else "",
                problem=problem,
            )
        )

    async def _answered(self, request: Request) -> tuple[Route | None, Response, str]:
        """The route, what is answered, and what went wrong."""
        found: Route | None = None
        try:
            self._access.refuse_stranger(request)
            found, partial = self._found(request)
            role: Role | None = getattr(found, "role", None)
            if found is None or role is not None:
                # Without a key not even which routes there are is told.
                request.state.key = self._access.caller(request, role or "predict")
                self._admit(request.state.key)
            if found is None:
                raise Refused(_no_route(partial))
            return found, await found.endpoint(request), ""
        except Refused as refused:
            response = _error(request, found, refused.problem, refused.headers)
            return found, response, refused.problem.kind
        except asyncio.CancelledError:
            raise
        except Exception as error:
            problem = Problem("internal", "something went wrong; the log has the request id", 500)
            request.state.error = error
            return found, _error(request, found, problem, {}), f"internal: {type(error).__name__}"

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


def _no_route(partial: bool) -> Problem:
    if partial:
        return Problem("wrong_method", "this path is asked with another method", 405)
    return Problem("no_route", "there is no such path; see /openapi.json", 404)


def _form(problem: Problem, request_id: str) -> dict[str, Any]:
    return {"error": problem.to_json(), "request_id": request_id}


def _error(
    request: Request, found: Route | None, problem: Problem, headers: dict[str, str]
) -> Response:
    form: ErrorForm = getattr(found, "form", _form)
    return JSONResponse(form(problem, request.state.id), problem.status, headers)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
