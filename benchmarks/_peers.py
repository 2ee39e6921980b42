"""The peers of the endpoint, each in its own environment, under the same load."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks._server import SERVER_CORE, all_right, load, p99
from benchmarks.common import median

# How each peer is run, with its own Python; {model} and {port} are put in.
HERE = pathlib.Path(__file__).parent / "peers"
PEERS = {
    "pipeline": [str(HERE / "serving_pipeline.py"), "{model}", "{port}"],
    "litserve": [str(HERE / "serving_litserve.py"), "{model}", "{port}"],
    "infinity": [str(HERE / "serving_infinity.py"), "{model}", "{port}"],
}


def peers(bench: Any, a: argparse.Namespace) -> dict[str, Any]:
    """The same weights, texts and clients, in one run: texts a second and the 99th percentile."""
    found: dict[str, Any] = {}
    for _ in range(a.repeats):
        with bench.server() as server:
            _add(
                found, "ours", _under_clients(bench, server.port, "/v1/models/m/predict", "inputs")
            )
        for each in a.peer:
            name, _, python = each.partition("=")
            with peer(name, python, bench.model) as port:
                path, field = (
                    ("/classify", "input") if name == "infinity" else ("/predict", "inputs")
                )
                _add(found, name, _under_clients(bench, port, path, field))
    rows = {name: {k: round(median(v), 1) for k, v in x.items()} for name, x in found.items()}
    best = max((x["texts_per_second"] for name, x in rows.items() if name != "ours"), default=None)
    ratio = best and round(rows["ours"]["texts_per_second"] / best, 2)
    return {**rows, "ours_against_the_best": ratio}


def _add(found: dict[str, Any], name: str, row: dict[str, float]) -> None:
    for key, value in row.items():
        found.setdefault(name, {}).setdefault(key, []).append(value)


def _under_clients(bench: Any, port: int, path: str, field: str) -> dict[str, float]:
    bodies = [{field: body["inputs"], "model": "m"} for body in bench.bodies(1)]
    if field == "inputs":
        bodies = [{"inputs": body["inputs"]} for body in bodies]
    plan = {"host": "127.0.0.1", "port": port, "path": path, "headers": bench.headers}
    load(plan | {"bodies": bodies, "clients": 8, "requests": 50})
    got = load(plan | {"bodies": bodies, "clients": 64, "seconds": bench.seconds / 3})
    all_right(got)
    return {
        "texts_per_second": len(got["answers"]) / got["seconds"],
        "p99_ms": 1e3 * p99(got["answers"]),
    }


@contextlib.contextmanager
def peer(name: str, python: str, model: str) -> Iterator[int]:
    """A peer on the processor of the server, once it answers; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.format(model=model, port=port) for word in PEERS[name]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, python, *words], env=environment, start_new_session=True
    )
    try:
        end = time.monotonic() + 180
        while True:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{name} did not start")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.5)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # its own, which it began
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
