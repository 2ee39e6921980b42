"""An application behind a port, until it is told to end."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from glossator.errors import InputError
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.connection import Door

__all__ = ["Server", "bound", "listen"]

_BACKLOG = 2_048
_HANDSHAKE_SECONDS = 10
# What was sent before the signal may still be on its way through the system.
_ON_ITS_WAY = 0.1
_SWEEP_SECONDS = 0.25
_SPARE_FILES = 256


def bound(config: ServeConfig) -> socket.socket:
    """The socket of an endpoint.

    Raises:
        InputError: the port is in use, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((config.host, config.port))
    except OSError as error:
        found.close()
        why = error.strerror or str(error)
        raise InputError(f"cannot listen at {config.host}:{config.port}: {why}") from None
    found.set_inheritable(True)
    return found


def listen(
    app: Any,
    listener: socket.socket,
    config: ServeConfig,
    limits: LimitConfig,
    *,
    ready: Callable[[], None] = lambda: None,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Answer until SIGTERM or SIGINT comes; what was asked by then is answered first.

    A second signal changes nothing: the process that started this one ends it at once.

    Args:
        app: an ASGI application.
        listener: where it is asked.
        config: how.
        limits: of connections.
        ready: is told once it can be asked.
        ending: is told once it takes no more.
    """
    _set_limits(limits.max_connections + _SPARE_FILES)
    Server(app, config, limits, ready=ready, ending=ending).run(sockets=[listener])


class Server(uvicorn.Server):
    """An application behind sockets.

    Arguments are those of `listen`; the `clock` has seconds that only grow.
    """

    def __init__(
        self,
        app: Any,
        config: ServeConfig,
        limits: LimitConfig,
        *,
        ready: Callable[[], None] = lambda: None,
        ending: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(_settings(app, config, limits))
        self._limits, self._ready, self._ending, self._clock = limits, ready, ending, clock

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, whose own knows no limits of connections."""
        self.door = Door(self.config, self.server_state, self._limits, self._clock)
        loop = asyncio.get_running_loop()
        tls: dict[str, Any] = {}
        if self.config.ssl:
            tls = {"ssl": self.config.ssl, "ssl_handshake_timeout": _HANDSHAKE_SECONDS}
        self.servers = [
            await loop.create_server(self.door.open, sock=each, backlog=_BACKLOG, **tls)
            for each in sockets or []
        ]
        self._sweeping = asyncio.create_task(self._sweep())
        self.started = True
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._ending()
        await asyncio.sleep(_ON_ITS_WAY)
        await super().shutdown(sockets)
        self._sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.door.sweep()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, however often that is said."""
        self.should_exit = True


def _settings(app: Any, config: ServeConfig, limits: LimitConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=config.tls_terminated_by_proxy,
        ssl_certfile=config.tls_cert,
        ssl_keyfile=config.tls_key,
        timeout_keep_alive=limits.keep_alive,
        timeout_graceful_shutdown=math.ceil(config.drain),
    )


def _set_limits(files: int) -> None:
    """May open so many files, if the system lets us; dies without a copy of the texts in memory."""
    try:
        import resource
    except ImportError:  # there are no such limits
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
