"""Replicas on Ray under a load that comes and goes: their number, errors and latency.

`python -m benchmarks serving_on_ray --model FOLDER` starts an endpoint on a Ray cluster of this
machine with one replica, asks it with no client, many, and none again, and ends it with SIGTERM
while requests are in flight. What must hold: no request fails, replicas come and go, all in flight
at the end are answered, and no statistics of use leave the machine.
"""

from __future__ import annotations

import argparse
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

from benchmarks.common import GLOSSATOR

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


def serve(arguments: argparse.Namespace, log: pathlib.Path) -> tuple[Any, str, str]:
    command = [*GLOSSATOR, "serve", f"model={arguments.model}", "--ray", "local", "--port", "0"]
    command += ["--max-replicas", str(arguments.replicas), "--queue-depth", "4"]
    command += ["--scale-up-after", "2", "--scale-down-after", str(arguments.down)]
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


def main(argv: list[str]) -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="a model folder")
    p.add_argument("--clients", type=int, default=24)
    p.add_argument("--replicas", type=int, default=2)
    p.add_argument("--seconds", type=float, default=60.0, help="of load, at most")
    p.add_argument("--down", type=float, default=10.0, help="seconds of quiet that end a replica")
    p.add_argument("--write", help="file of the result")
    arguments = p.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        process, address, token = serve(arguments, pathlib.Path(folder, "log"))
        try:
            print(f"listening at {address}", flush=True)
            before = watched(1)
            load = Load(address, "model", token)
            load.start(arguments.clients)
            up = watched(arguments.seconds, until=arguments.replicas)
            held = watched(5)
            load.stop()
            print(f"under load: {up + held} replicas, {len(load.seconds)} requests", flush=True)
            down = watched(arguments.seconds + 4 * arguments.down, until=1)
            last = Load(address, "model", token)
            last.start(8)
            time.sleep(1)
            last.no_more()  # each is in the middle of one, or done
            process.send_signal(signal.SIGTERM)
            last.stop()
            code = process.wait(120)
        finally:
            process.kill()
            process.wait()
    result = {
        "replicas": {"before": before, "under load": up + held, "after": down},
        "requests": len(load.seconds),
        "errors": load.errors[:5],
        "median seconds": round(statistics.median(load.seconds), 4),
        "p99 seconds": round(sorted(load.seconds)[int(len(load.seconds) * 0.99)], 4),
        "at the end": {"asked": len(last.seconds), "errors": last.errors[:5], "exit": code},
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.write:
        pathlib.Path(arguments.write).write_text(text + "\n", encoding="utf-8")
    grew, shrank = max(up + held) == arguments.replicas, down[-1] == 1
    if load.errors or last.errors or code or not grew or not shrank:
        sys.exit("a request failed, or replicas did not follow the load")
