"""A server in a process of its own, on processors of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

SERVER_CORE, LOAD_CORE = "0", "1"


class Server:
    """`glossator serve`, or with a fault `_broken`; ends with the block.

    Args:
        model: a model folder.
        options: of the command.
        fault: see `_broken`.
    """

    def __init__(self, model: str, *options: str, fault: str | None = None):
        module = ["glossator"] if fault is None else ["benchmarks._broken", fault]
        words = ["serve", f"m={model}", "--port", "0", "--threads", "1", "--json", *options]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (as long as the server)
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, sys.executable, "-m", *module, *words],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def __enter__(self) -> Server:
        told = ""
        assert self.process.stdout is not None
        while not told.endswith("}\n"):
            line = self.process.stdout.readline()
            if not line:
                self.errors.seek(0)
                sys.exit(f"the server ended: {self.errors.read()}")
            told += line
        self.port = int(json.loads(told)["address"].rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(40)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def load(self, headers: dict[str, str], bodies: list[Any], **plan: Any) -> dict[str, Any]:
        """What a load came to; see `_load`."""
        path = plan.pop("path", "/v1/models/m/predict")
        plan |= {"host": "127.0.0.1", "port": self.port, "path": path}
        return load(plan | {"headers": headers, "bodies": bodies})

    def ask(
        self, path: str, headers: dict[str, str], body: Any = None, patience: float = 60.0
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(
                "GET" if body is None else "POST", path, body and json.dumps(body), headers
            )
            found = connection.getresponse()
            return found.status, json.loads(found.read())
        finally:
            connection.close()

    def workers(self) -> list[int]:
        number = self.process.pid
        text = pathlib.Path(f"/proc/{number}/task/{number}/children").read_text()
        return [int(word) for word in text.split()]

    def use(self) -> dict[str, int]:
        """Memory in KiB, open files and threads of all its processes."""
        found = {"rss_kib": 0, "files": 0, "threads": 0}
        for number in [self.process.pid, *self.workers()]:
            status = pathlib.Path(f"/proc/{number}/status").read_text()
            found["rss_kib"] += int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
            found["threads"] += int(re.findall(r"Threads:\s+(\d+)", status)[0])
            found["files"] += len(os.listdir(f"/proc/{number}/fd"))
        return found

    def until_ready(self, ready: bool, patience: float = 60.0) -> float:
        """Seconds until it says that it is ready, or no longer."""
        began = time.perf_counter()
        while time.perf_counter() - began < patience:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if (self.ask("/health/ready", {})[0] == 200) is ready:
                    return time.perf_counter() - began
            time.sleep(0.01)
        return float("inf")


def load(plan: dict[str, Any]) -> dict[str, Any]:
    """What a load came to, from the other processor."""
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, sys.executable, "-m", "benchmarks._load"],
        input=json.dumps(plan),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def p99(answers: list[Any], at: int = 1) -> float:
    """Of the latencies, from when they were due or, `at` 2, from when they were sent."""
    times = sorted(x[at] for x in answers)
    return float(times[min(len(times) - 1, int(0.99 * len(times)))])


def failed(found: dict[str, Any]) -> list[Any]:
    return [x for x in found["answers"] if x[3] != 200]


def all_right(*loads: dict[str, Any]) -> None:
    for each in loads:
        if wrong := failed(each):
            sys.exit(f"{len(wrong)} of {len(each['answers'])} requests failed: {wrong[0]}")
