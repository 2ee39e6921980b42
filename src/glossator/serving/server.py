"""An application behind a port, until it is told to end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from glossator.errors import InputError
from glossator.serving.config import ServeConfig

__all__ = ["bound", "listen"]

_HEADER_SECONDS = 10
_BACKLOG = 2_048
_LEFT_AT_ONCE = 130


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
    *,
    ready: Callable[[], None] = lambda: None,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Answer until SIGTERM or SIGINT comes; what was asked by then is answered first.

    A second signal ends the process at once.

    Args:
        app: an ASGI application.
        listener: where it is asked.
        config: how.
        ready: is told once it can be asked.
        ending: is told once it takes no more.
    """
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        lifespan="off",
        ws="none",
        proxy_headers=config.tls_terminated_by_proxy,
        ssl_certfile=config.tls_cert,
        ssl_keyfile=config.tls_key,
        timeout_graceful_shutdown=int(config.drain),
    )
    _Server(settings, ready, ending).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]
    ):
        super().__init__(config)
        self._ready, self._ending = ready, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(_LEFT_AT_ONCE)
        self.should_exit = True
        self._ending()
