"""Replicas on Ray under a load that comes and goes: their number, errors and latency.

Starts an endpoint on a Ray cluster of this machine with one replica, asks it with no client, many,
and one, and ends it with SIGTERM while requests are in flight. What must hold: no request fails,
replicas come with the load and go after it, and all in flight at the end are answered. The model is
a tiny one, made for it in seconds: what is measured is how replicas follow, not how fast they are.
Ray Serve is the extra `ray-serve`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from typing import Any

from benchmarks.common import GLOSSATOR, tiny_bert, write_result

# A busy machine is given the time it takes to start.
PATIENT = {
    "RAY_gcs_server_port_wait_time_s": "500",
    "RAY_gcs_server_request_timeout_seconds": "500",
    "RAY_health_check_failure_threshold": "100",
}
TEXT = "where is my new card, it has not arrived yet"


class Load:
    """Clients that ask one text after the other, until they are told to stop."""

    def __init__(self, address: str, model: str, token: str):
        self._request = urllib.request.Request(
            f"{address}/v1/models/{model}/predict",
            json.dumps({"inputs": [TEXT] * 8}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def start(self, clients: int) -> None:
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """After the requests in flight are answered."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def no_more(self) -> None:
        """Begin no other request."""
        self._stop.set()

    def _ask(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                with urllib.request.urlopen(self._request, timeout=60) as response:
                    response.read()
            except Exception as error:
                self.errors.append(repr(error))
            self.seconds.append(time.perf_counter() - began)

    def figures(self) -> dict[str, Any]:
        """How many were asked, how long they took, and what went wrong."""
        seconds = sorted(self.seconds)
        return {
            "requests": len(seconds),
            "errors": len(self.errors),
            "first errors": self.errors[:5],
            "median seconds": round(statistics.median(seconds), 4),
            "p99 seconds": round(seconds[int(len(seconds) * 0.99)], 4),
        }


def tiny_model(folder: pathlib.Path) -> pathlib.Path:
    """A classifier of two layers, fitted to rows that are made up."""
    encoder, table, model = (folder / name for name in ("encoder", "rows.csv", "model"))
    tiny_bert(encoder)
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = ((f"the {('card', 'film')[i % 2]} was {i}", i % 2) for i in range(60))
        csv.writer(file).writerows([("text", "label"), *rows])
    command = [*GLOSSATOR, "fit", str(table), "--model", str(encoder), "--output", str(model)]
    subprocess.run([*command, "--epochs", "1", "--threads", "1"], check=True, capture_output=True)
    return model


def replicas() -> int:
    """Processes of this machine that call themselves replicas of the endpoint."""
    found = subprocess.run(
        ["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout
    return sum("ServeReplica:glossator" in line for line in found.splitlines())


def watched(seconds: float, until: int | None = None) -> list[int]:
    """The number of replicas each second, until there are as many as asked for."""
    counts = []
    for _ in range(int(seconds)):
        counts.append(replicas())
        if until is not None and counts[-1] == until:
            break
        time.sleep(1)
    return counts


def serve(a: argparse.Namespace, model: pathlib.Path, log: pathlib.Path) -> tuple[Any, str, str]:
    """The process, its address and its key."""
    command = [*GLOSSATOR, "serve", f"model={model}", "--ray", "local", "--port", "0"]
    command += ["--max-replicas", str(a.replicas), "--queue-depth", "4"]
    command += ["--scale-up-after", "2", "--scale-down-after", str(a.down)]
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            start_new_session=True,
            env={**os.environ, **PATIENT},
        )
    assert process.stdout is not None
    address = process.stdout.readline().strip().rpartition(" ")[2]
    deadline = time.monotonic() + 60
    while address and "key of" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    said = log.read_text()
    if "key of this run: " not in said:
        process.kill()
        sys.exit(f"the endpoint did not start:\n{said}")
    token = said.partition("key of this run: ")[2].split()[0]
    return process, address, token


def main(arguments: list[str]) -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--clients", type=int, default=24)
    p.add_argument("--replicas", type=int, default=2)
    p.add_argument("--seconds", type=float, default=60.0, help="of load, at most")
    p.add_argument("--down", type=float, default=10.0, help="seconds of quiet that end a replica")
    a = p.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        process, address, token = serve(a, tiny_model(folder), folder / "log")
        try:
            result = measured(a, process, address, token)
        finally:
            process.kill()
            process.wait()
    write_result("serving_on_ray", arguments, result)
    phases = ("under load", "after it", "at the end")
    failed = any(result[phase]["errors"] for phase in phases) or result["exit"]
    counts = result["replicas"]
    if failed or max(counts["under load"]) != a.replicas or counts["after it"][-1] != 1:
        sys.exit("a request failed, or replicas did not follow the load")


def measured(a: argparse.Namespace, process: Any, address: str, token: str) -> dict[str, Any]:
    """What becomes of requests and replicas while the load comes and goes."""
    before = watched(1)
    load = Load(address, "model", token)
    load.start(a.clients)
    up = watched(a.seconds, until=a.replicas) + watched(5)
    load.stop()
    # One client goes on: a replica that is ended must not take its requests along.
    calm = Load(address, "model", token)
    calm.start(1)
    down = watched(a.seconds + 4 * a.down, until=1)
    calm.stop()
    last = Load(address, "model", token)
    last.start(8)
    time.sleep(1)
    last.no_more()  # each is in the middle of one, or done
    process.send_signal(signal.SIGTERM)
    last.stop()
    return {
        "replicas": {"before": before, "under load": up, "after it": down},
        "under load": load.figures(),
        "after it": calm.figures(),
        "at the end": last.figures(),
        "exit": process.wait(120),
    }
