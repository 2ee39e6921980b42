"""A program of processes that share a port, without a model; see test_workers.

    python supervised.py COUNT GATE HOLD

A process that is started while GATE is there waits until somebody has opened that named pipe. The
path /hold is answered once somebody has opened the named pipe HOLD. GATE called `fail` ends all.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.responses import JSONResponse

from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.server import bound, listen
from glossator.serving.shared import Shared
from glossator.serving.stand_in import stand_in
from glossator.serving.workers import Workers


def main(count, gate, hold):
    config, limits = ServeConfig(port=0, drain=30.0), LimitConfig()
    listener, shared = bound(config), Shared(LimitConfig())
    holders = ThreadPoolExecutor(64)

    def tell(**what):
        os.write(1, (json.dumps(what) + "\n").encode())  # whole, also beside other processes

    async def app(scope, receive, send):
        if scope["path"] == "/hold":
            tell(held=os.getpid())
            await asyncio.get_running_loop().run_in_executor(holders, _opened, hold)
        await JSONResponse({"pid": os.getpid(), "ready": shared.all_ready})(scope, receive, send)

    def work(ready):
        if gate == "fail":
            return 7
        if Path(gate).exists():
            _opened(gate)
        listen(app, listener, config, limits, ready=ready)
        return 0

    def substitute(ready):
        listen(stand_in, listener, config, limits, ready=ready)
        return 0

    return Workers(
        count=count,
        work=work,
        stand_in=substitute,
        shared=shared,
        drain=config.drain,
        close=listener.close,
        ready=lambda: tell(port=listener.getsockname()[1]),
        ended=lambda pid: tell(ended=pid),
        say=lambda text: tell(said=text),
    ).run()


def _opened(pipe):
    with open(pipe, "rb") as file:
        file.read()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
