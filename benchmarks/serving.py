"""The endpoint under load: throughput, latency, overload, slow clients, deaths; and its peers.

The server runs on one processor and the load on another, over loopback. Each promise has a control:
a broken server that the same measurement must find.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks._peers import peers
from benchmarks._server import SERVER_CORE, Server, all_right, failed, p99
from benchmarks.common import GLOSSATOR, data_folder, median, parser, run_json, write_result

# What a request of the mix holds, and how often there is one.
MIX = ((1, 0.7), (8, 0.2), (32, 0.1))


class Bench:
    """A model, its texts, and a key."""

    def __init__(self, a: argparse.Namespace, scratch: pathlib.Path):
        from glossator.serving.keys import KeyFile, new_key

        self.model = a.model or fitted(data_folder(a), scratch)
        self.texts = texts_of(data_folder(a))
        token, key = new_key("admin")
        self.keys = KeyFile(scratch / "keys.toml")
        self.keys.add(key)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.seconds = a.seconds

    def server(self, *options: str, fault: str | None = None) -> Server:
        return Server(self.model, "--keys", str(self.keys.path), *options, fault=fault)

    def bodies(self, size: int | None = None, count: int = 200, seed: int = 0) -> list[Any]:
        """Requests of `size` texts each, or of the mix."""
        draw = random.Random(seed)
        sizes, weights = zip(*MIX, strict=True)
        kinds = [size or draw.choices(sizes, weights)[0] for _ in range(count)]
        return [{"inputs": draw.sample(self.texts, kind)} for kind in kinds]

    def bare(self, groups: list[list[str]], seconds: float) -> dict[str, Any]:
        """The predictor by itself, on the processor of the server."""
        done = subprocess.run(
            ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "benchmarks._bare", self.model],
            input=json.dumps([groups, seconds]),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return dict(json.loads(done.stdout))


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--model", help="a model folder; by default MiniLM is fitted to Banking77")
    p.add_argument("--seconds", type=float, default=60.0, help="of the longest load")
    p.add_argument("--only", choices=[*MEASURES], nargs="*", default=[])
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--requests", type=int, default=50_000)
    p.add_argument("--peer", nargs="*", default=[], metavar="NAME=PYTHON", help="see _peers")
    a = p.parse_args(arguments)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(a, pathlib.Path(scratch))
        for part in a.only or [name for name in MEASURES if a.peer or name != "peers"]:
            result[part] = MEASURES[part](bench, a)
            print(part, json.dumps(result[part], indent=1), file=sys.stderr)
    write_result("serving", arguments, result, variant="_".join(a.only))


def speed(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Throughput and latency through HTTP against the predictor by itself, in turns."""
    found: dict[str, list[float]] = {}
    short = [[text] for text in bench.texts if 55 <= len(text) <= 65][:50]  # about 16 tokens
    many = [body["inputs"] for body in bench.bodies(32)]
    for _ in range(a.repeats):
        bare = bench.bare(many, bench.seconds / 6)
        alone = bench.bare(short, bench.seconds / 12)
        with bench.server() as server:
            of_32 = server.load(
                bench.headers, bench.bodies(32), clients=3, seconds=bench.seconds / 6
            )
            of_1 = server.load(
                bench.headers, bench.bodies(1), clients=64, seconds=bench.seconds / 6
            )
            one = [{"inputs": texts} for texts in short]
            single = server.load(bench.headers, one, clients=1, seconds=bench.seconds / 12)
        all_right(of_32, of_1, single)
        per_second = bare["texts"] / bare["took"]
        measured = {
            "bare_texts_per_second": per_second,
            "share_32_texts": 32 * len(of_32["answers"]) / of_32["seconds"] / per_second,
            "share_1_text_64_clients": len(of_1["answers"]) / of_1["seconds"] / per_second,
            "bare_milliseconds_1_text": 1e3 * median(alone["seconds"]),
            "added_milliseconds_1_text": 1e3
            * (median([x[1] for x in single["answers"]]) - median(alone["seconds"])),
        }
        for name, value in measured.items():
            found.setdefault(name, []).append(value)
    return {name: round(median(values), 3) for name, values in found.items()}


def held(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 1: at 0.7 of capacity nothing fails, and the slowest are not much slower."""

    def measured(*options: str, capacity: float | None = None) -> dict[str, Any]:
        with bench.server(*options) as server:
            capacity = capacity or capacity_of(bench, server)
            calm = server.load(bench.headers, bench.bodies(), clients=1, seconds=bench.seconds / 4)
            full = server.load(
                bench.headers, bench.bodies(), phases=[[0.7 * capacity, bench.seconds]]
            )
        before, after = p99(calm["answers"]), p99(full["answers"])
        return {
            "capacity_requests_per_second": round(capacity, 1),
            "requests": len(full["answers"]),
            "errors": len(failed(full)),
            "p99_unloaded_ms": round(1e3 * before, 1),
            "p99_ms": round(1e3 * after, 1),
            "times": round(after / before, 2),
        }

    ours = measured()
    # The control answers texts one by one, and is asked as much.
    control = measured("--token-budget", "1", capacity=ours["capacity_requests_per_second"])
    return {"ours": ours, "control": control}


def overload(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 2: at three times its capacity it does what it can and says so to the rest."""
    seconds = bench.seconds / 2

    def measured(*options: str) -> dict[str, Any]:
        with bench.server(*options) as server:
            capacity = capacity_of(bench, server)
            texts = texts_per_second(bench, server)
            phases = [[3 * capacity, seconds], [0.5 * capacity, 8.0]]
            bodies = bench.bodies()
            found = server.load(bench.headers, bodies, phases=phases)
        good = [x for x in found["answers"] if x[3] == 200 and x[0] + x[1] < seconds]
        shed = [x for x in found["answers"] if x[0] < seconds and x[3] in (429, 503)]
        later = [x for x in found["answers"] if x[0] >= seconds + 2]
        done = sum(len(bodies[x[5]]["inputs"]) for x in good)
        return {
            "goodput_of_capacity": round(done / seconds / texts, 3),
            "answered": len(good),
            "refused": len(shed),
            "refused_without_retry_after": sum(not x[4] for x in shed),
            "refused_p99_ms": round(1e3 * p99(shed, at=2), 1) if shed else None,
            "answered_p99_ms": round(1e3 * p99(good), 1) if good else None,
            "other": sum(x[3] not in (200, 429, 503) for x in found["answers"]),
            "failed_2_s_later": sum(x[3] != 200 for x in later),
            "p99_2_s_later_ms": round(1e3 * p99(later), 1),
        }

    endless = ["--max-waiting", "1000000000", "--max-requests", "1000000", "--max-delay", "1e9"]
    return {"ours": measured(), "control": measured(*endless, "--max-connections", "100000")}


def slow(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 5: 200 slow sockets, and clients that leave: the others hardly notice."""

    def measured(*options: str) -> dict[str, Any]:
        with bench.server(*options) as server:
            rate = 0.3 * capacity_of(bench, server)
            phases = [[rate, bench.seconds / 4]]
            calm = server.load(bench.headers, bench.bodies(), phases=phases)
            with slow_clients(bench, server, 200):
                among = server.load(bench.headers, bench.bodies(), phases=phases)
        before, after = p99(calm["answers"]), p99(among["answers"])
        return {
            "errors": len(failed(among)),
            "p99_ms": round(1e3 * before, 1),
            "p99_among_slow_ms": round(1e3 * after, 1),
            "times": round(after / before, 2),
        }

    # The control has room for the slow ones alone, of which half have left.
    return {"ours": measured(), "control": measured("--max-connections", "100")}


def poison(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 7: one text with which the model fails, among 16."""

    def measured(fault: str) -> dict[str, int]:
        with bench.server(fault=fault) as server, ThreadPoolExecutor(16) as pool:
            texts = [bench.texts[i] if i != 5 else "poison" for i in range(16)]
            path = "/v1/models/m/predict"

            def ask(texts: list[str]) -> tuple[int, Any]:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return server.ask(path, bench.headers, {"inputs": texts}, patience=10)
                return 0, {}

            found = ask(texts)[1].get("predictions") or [None] * 16
            after = [status for status, _ in pool.map(ask, [[x] for x in bench.texts[:100]])]
        return {
            "errors_of_16": sum(x is None for x in found),
            "right_of_the_next_100": after.count(200),
        }

    return {"ours": measured("poison"), "control": measured("brittle")}


def drain(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 6: what is in flight when the server is told to end, and what comes then."""

    def measured(number: signal.Signals) -> dict[str, Any]:
        bodies = bench.bodies(8, count=50, seed=1)
        with bench.server("--max-waiting", "1000000") as server, ThreadPoolExecutor(50) as pool:
            path = "/v1/models/m/predict"
            right = [server.ask(path, bench.headers, body)[1]["predictions"] for body in bodies]

            def ask(body: Any) -> Any:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return server.ask(path, bench.headers, body)[1].get("predictions")
                return None

            asked = [pool.submit(ask, body) for body in bodies]
            time.sleep(0.1)
            began = time.perf_counter()
            # The control leaves nobody to answer; a worker outlives the one that began it.
            gone = server.workers() if number == signal.SIGKILL else []
            for each in [server.process.pid, *gone]:
                os.kill(each, number)
            got = [one.result() for one in asked]
            code = server.process.wait(60)
            took = time.perf_counter() - began
            try:
                socket.create_connection(("127.0.0.1", server.port), 5).close()
                refused = False
            except ConnectionRefusedError:
                refused = True
        labels = [_labels(x) for x in right]
        return {
            "answered_right_of_50": sum(_labels(x) == y for x, y in zip(got, labels, strict=True)),
            "new_refused": refused,
            "exit": code,
            "seconds": round(took, 2),
        }

    return {"ours": measured(signal.SIGTERM), "control": measured(signal.SIGKILL)}


def death(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 8: a worker is killed while 20 clients wait."""

    def measured(fault: str | None) -> dict[str, Any]:
        with bench.server(fault=fault) as server, ThreadPoolExecutor(20) as pool:
            body = {"inputs": bench.texts[:300]}

            def ask(_: int) -> float:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    server.ask("/v1/models/m/predict", bench.headers, body)
                return time.perf_counter()

            waits = [pool.submit(ask, i) for i in range(20)]
            time.sleep(0.3)
            killed = time.perf_counter()
            os.kill(server.workers()[0], signal.SIGKILL)
            gone = server.until_ready(False)
            back = server.until_ready(True, patience=15)
            return {
                "last_waiter_knows_after_s": round(max(x.result() for x in waits) - killed, 2),
                "not_ready_after_s": round(gone, 2),
                "ready_again_after_s": None if back == float("inf") else round(gone + back, 2),
            }

    return {"ours": [measured(None) for _ in range(a.repeats)], "control": measured("alone")}


def many(bench: Bench, a: argparse.Namespace) -> dict[str, Any]:
    """Row 25: so many requests; what the server takes afterwards beside what it took before."""

    def measured(requests: int, fault: str | None) -> dict[str, Any]:
        with bench.server(fault=fault) as server:
            uses, step = [], requests // 10
            for turn in range(10):
                bodies = bench.bodies(1, seed=turn)
                all_right(server.load(bench.headers, bodies, clients=16, requests=step))
                uses.append(server.use())
        # The first fifth fills what is filled once.
        first, last = uses[2], uses[-1]
        growth = last["rss_kib"] - first["rss_kib"]
        return {
            "requests": requests,
            "first": first,
            "last": last,
            "bytes_per_request": round(1024 * growth / (7 * step), 1),
        }

    return {"ours": measured(a.requests, None), "control": measured(a.requests, "leak")}


@contextlib.contextmanager
def slow_clients(bench: Bench, server: Server, count: int) -> Any:
    """Sockets that send a byte a second at most; half of them have asked, and leave."""
    sockets = []
    lines = ["POST /v1/models/m/predict HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in bench.headers.items()]
    for number in range(count):
        each = socket.create_connection(("127.0.0.1", server.port), 30)
        body = json.dumps({"inputs": bench.texts[:8]}).encode()
        length = len(body) if number % 2 else len(body) + 100
        each.sendall("\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode() + body)
        if number % 2:
            each.close()
        else:
            sockets.append(each)
    try:
        yield
    finally:
        for each in sockets:
            each.close()


def capacity_of(bench: Bench, server: Server) -> float:
    """Requests of the mix that are answered in a second, where as many come as can."""
    server.load(bench.headers, bench.bodies(), clients=4, requests=50)
    # As many clients as fill its batches, and no more than it takes without a refusal.
    found = server.load(bench.headers, bench.bodies(), clients=12, seconds=bench.seconds / 6)
    return sum(x[3] == 200 for x in found["answers"]) / found["seconds"]


def texts_per_second(bench: Bench, server: Server) -> float:
    bodies = bench.bodies()
    found = server.load(bench.headers, bodies, clients=12, seconds=bench.seconds / 6)
    texts = sum(len(bodies[x[5]]["inputs"]) for x in found["answers"] if x[3] == 200)
    return float(texts / found["seconds"])


def _labels(predictions: Any) -> Any:
    return predictions and [x["label"] for x in predictions]


def texts_of(data: pathlib.Path) -> list[str]:
    with open(data / "banking77" / "test.csv", newline="", encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file)]


def fitted(data: pathlib.Path, scratch: pathlib.Path) -> str:
    """MiniLM, fitted to Banking77 for one epoch."""
    output = scratch / "model"
    table = str(data / "banking77" / "train.csv")
    words = ["--model", "minilm", "--epochs", "1", "--dev-fraction", "0"]
    run_json([*GLOSSATOR, "fit", table, *words, "--output", str(output), "--json"])
    return str(output)


MEASURES = {
    each.__name__: each for each in (speed, held, overload, slow, poison, drain, death, many, peers)
}
