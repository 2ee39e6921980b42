"""Requests whose clients leave before they are answered."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

__all__ = ["Disconnects"]


class Disconnects:
    """What a client sends; once that is all, its leaving cancels the task that answers it.

    Args:
        receive: see ASGI.

    Attributes:
        left: whether the client has left while it was answered.
    """

    def __init__(self, receive: Receive):
        self._receive, self.left = receive, False
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self) -> Message:
        """See ASGI."""
        message = await self._receive()
        whole = message["type"] == "http.request" and not message.get("more_body")
        if whole and self._watch is None:
            answering = asyncio.current_task()
            assert answering is not None
            self._watch = asyncio.create_task(self._wait(answering))
        return message

    async def _wait(self, answering: asyncio.Task[object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        answering.cancel()

    def done(self) -> None:
        """No longer look whether the client leaves."""
        if self._watch is not None:
            self._watch.cancel()
