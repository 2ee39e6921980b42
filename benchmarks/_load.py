"""A client that loads a server, in a process of its own: `python -m benchmarks._load < PLAN`.

An open load comes when it comes, whether or not the server keeps up, and the latency of a request
counts from the time at which it was due: what waits in the client counts too. A closed load has so
many clients, each of which waits for its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import sys
import time
from typing import Any


class Client:
    """Asks over connections that it keeps."""

    def __init__(self, plan: dict[str, Any]):
        self.host, self.port, self.patience = plan["host"], plan["port"], plan.get("patience", 60)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        head = [f"POST {plan['path']} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        head += [f"{name}: {value}" for name, value in plan["headers"].items()]
        start = "\r\n".join(head)
        self.requests = []
        for body in plan["bodies"]:
            content = json.dumps(body).encode()
            lines = f"{start}\r\nContent-Length: {len(content)}\r\n\r\n"
            self.requests.append(lines.encode() + content)
        self.answers: list[list[Any]] = []

    async def ask(self, number: int, due: float, zero: float) -> None:
        """Ask one request, and note when it was due, how long it took and what came."""
        sent = time.perf_counter()
        status, again = 0, False
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(self.patience):
                status, again = await self._exchange(self.requests[number])
        done = time.perf_counter()
        self.answers.append([due - zero, done - due, done - sent, status, again, number])

    async def _exchange(self, request: bytes) -> tuple[int, bool]:
        reader, writer = await self._connection()
        keep = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            keep = b"connection: close" not in head
            return int(head.split(None, 2)[1]), b"\r\nretry-after: " in head
        finally:
            if keep:
                self.idle.append((reader, writer))
            else:
                writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One at rest that the server has not closed meanwhile, or a new one."""
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port, limit=2**22)


async def closed(client: Client, clients: int, seconds: float, requests: int | None) -> None:
    """So many clients, for so long or until so many requests were made."""
    zero = time.perf_counter()
    turns = itertools.count()

    async def one() -> None:
        while (turn := next(turns)) < (requests or 2**62):
            now = time.perf_counter()
            if not requests and now - zero >= seconds:
                return
            await client.ask(turn % len(client.requests), now, zero)

    await asyncio.gather(*(one() for _ in range(clients)))


async def opened(client: Client, phases: list[list[float]], seed: int) -> None:
    """Requests that come at random, so many a second for so many seconds, phase by phase."""
    draw = random.Random(seed)
    due: list[float] = []
    begin = 0.0
    for rate, seconds in phases:
        at = begin + draw.expovariate(rate)
        while at < begin + seconds:
            due.append(at)
            at += draw.expovariate(rate)
        begin += seconds
    zero = time.perf_counter() + 0.1
    tasks = []
    for number, at in enumerate(due):
        if (wait := zero + at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(
            asyncio.create_task(client.ask(number % len(client.requests), zero + at, zero))
        )
    await asyncio.gather(*tasks)


def main() -> None:
    plan = json.loads(sys.stdin.read())
    client = Client(plan)
    if "phases" in plan:
        work = opened(client, plan["phases"], plan.get("seed", 0))
    else:
        work = closed(client, plan["clients"], plan.get("seconds", 0.0), plan.get("requests"))
    began = time.perf_counter()
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
    took = time.perf_counter() - began
    json.dump({"seconds": took, "answers": client.answers}, sys.stdout)


if __name__ == "__main__":
    main()
