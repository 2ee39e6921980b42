"""A connection, which has so long for each request, and so much room."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from glossator.serving.config import LimitConfig
from glossator.serving.problems import Problem

__all__ = ["Connection", "Door"]

_LARGEST_HEAD = 65_536
# Bytes around each byte of a body: a chunk of one byte has five and its length.
_LARGEST_SHARE = 8
_LINGERING = 1.0
_FLUSHING = 10.0

_TOO_MANY = Problem("busy", "too many connections; ask again in a moment", 503)
_LARGE_HEAD = Problem("too_large", f"the headers have more than {_LARGEST_HEAD:,} bytes", 431)
_NO_HTTP = Problem("bad_request", "this is no HTTP request", 400)
_SLOW_HEAD = Problem("too_slow", "the headers did not come in time", 408)
_SLOW_BODY = Problem("too_slow", "the body did not come in time", 408)


@dataclass(frozen=True)
class Door:
    """What connections come through.

    Attributes:
        config: of the server, and
        state: in which it keeps its connections.
        limits: of connections.
        clock: seconds that only grow.
    """

    config: Config
    state: ServerState
    limits: LimitConfig
    clock: Callable[[], float] = time.monotonic

    def open(self) -> Connection:
        """A connection."""
        return Connection(self)

    def sweep(self) -> None:
        """Close the connections that have waited too long."""
        now = self.clock()
        for each in list(self.state.connections):
            if isinstance(each, Connection):
                each.close_if_late(now)


class Connection(HttpToolsProtocol):
    """One connection: what it sends has to come in time, and what is refused is still heard.

    Args:
        door: through which it comes.
    """

    def __init__(self, door: Door):
        super().__init__(door.config, door.state, {})
        self._limits, self._clock = door.limits, door.clock
        # Since when something is awaited, for how long, and how that is told; nothing at rest.
        self._since, self._patience = door.clock(), door.limits.header_timeout
        self._waits, self._in_head, self._lingers = True, False, False
        self._head, self._ending = 0, False
        self._closing: float | None = None  # since when
        self._unread: float | None = None  # since when more is answered than the client reads
        self._body, self._around = 0, 0  # bytes of the body, and of what stands around it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            self._say(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self.transport.is_closing():
            return
        body = self._body
        super().data_received(data)
        if self.transport.is_closing() or not self._waits:
            return
        if self._in_head:
            self._head += len(data)
            if self._head > _LARGEST_HEAD:
                self._say(_LARGE_HEAD)
        else:
            self._around += len(data) - (self._body - body)
            if self._around > 2 * _LARGEST_HEAD + _LARGEST_SHARE * self._body:
                self._close_with(_LARGE_HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what follows a body is none, or it would come past whoever looks at headers."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        """The client does not read what it is answered."""
        self._unread = self._clock()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._unread = None
        super().resume_writing()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._await(self._limits.header_timeout)
        self._in_head, self._head = True, 0
        self._body, self._around = 0, 0

    def on_headers_complete(self) -> None:
        """Its headers are here."""
        self._in_head = False
        self._await(self._limits.body_timeout)
        super().on_headers_complete()
        self.cycle.transport = _Ear(self)  # type: ignore[assignment]
        if self._ending:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._waits = False
        super().on_message_complete()
        if self._lingers:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._say(_NO_HTTP)

    def shutdown(self) -> None:
        """Close, once what was begun is answered."""
        if self._in_head:
            self._ending = True
            self._await(_LINGERING)
        else:
            super().shutdown()

    def linger(self) -> None:
        """Close once the client has sent what it is sending, or a moment has passed.

        To close at once would take back the answer, which the client reads when it has sent all.
        """
        if self._waits and not self.transport.is_closing():
            self._lingers = True
            self._await(_LINGERING)
            if self.transport.can_write_eof():
                self.transport.write_eof()
        else:
            self.transport.close()

    def close_if_late(self, now: float) -> None:
        """Close where something has been awaited for too long."""
        if self.transport.is_closing():
            self._abort_if_stuck(now)
            return
        if self._unread is not None and now - self._unread > self._limits.body_timeout:
            self.transport.abort()
            return
        if not self._waits or now - self._since <= self._patience:
            return
        cycle = self._current()
        answered = cycle is None or cycle.response_complete
        if not self._lingers and self._in_head and answered:
            self._say(_SLOW_HEAD)
        elif not self._in_head:
            self._close_with(_SLOW_BODY)
        else:
            self.transport.close()

    def _close_with(self, problem: Problem) -> None:
        """Close, and say why where nothing was said."""
        if not self._lingers and self._is_silent():
            self._say(problem)
        else:
            self.transport.close()

    def _abort_if_stuck(self, now: float) -> None:
        """Give up a client that does not read what it was answered."""
        self._closing = self._closing or now
        if now - self._closing > _FLUSHING:
            self.transport.abort()

    def _is_silent(self) -> bool:
        """Whether nothing was answered yet to a request that is awaited."""
        cycle = self._current()
        return cycle is not None and not cycle.response_started and not self.pipeline

    def _current(self) -> RequestResponseCycle | None:
        """The request that came last; uvicorn's type forgets that there is none at first."""
        return self.cycle

    def _await(self, seconds: float) -> None:
        self._waits, self._since, self._patience = True, self._clock(), seconds

    def _say(self, problem: Problem) -> None:
        """Answer without a look at the application, and close."""
        self.transport.write(_plain(problem))
        self.transport.close()


class _Ear:
    """The transport of a request, which is not closed while the client still talks."""

    def __init__(self, connection: Connection):
        self._connection = connection
        transport = connection.transport
        self.write, self.is_closing = transport.write, transport.is_closing

    def close(self) -> None:
        self._connection.linger()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection.transport, name)


def _plain(problem: Problem) -> bytes:
    """A whole answer."""
    told = {"error": problem.to_json(), "request_id": secrets.token_hex(8)}
    body = json.dumps(told).encode()
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append("retry-after: 1")
    return "\r\n".join([*lines, "", ""]).encode() + body
