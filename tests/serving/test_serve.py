"""`glossator serve` as it is run: two processes, a real model, a real port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import glossator
from glossator.serving.keys import KeyFile, new_key

PATIENCE = 120
SRC = Path(__file__).parents[2] / "src"
PREDICT = "/v1/models/topics/predict"


class Command:
    """The command, once it listens."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "glossator", "serve", *words, "--port", "0", "--json"],
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = []
        while not lines or lines[-1] != "}\n":
            line = self.process.stdout.readline()
            assert line, f"it ended with {self.process.wait(PATIENCE)}"
            lines.append(line)
        self.port = int(json.loads("".join(lines))["address"].rpartition(":")[2])

    def ask(self, method, path, token="", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            found = connection.getresponse()
            return found.status, json.loads(found.read())
        finally:
            connection.close()

    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in path.read_text().split()]

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def command():
    made = []

    def start(*words):
        made.append(Command(*words))
        return made[-1]

    yield start
    for each in made:
        each.end()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_it_outlives_a_process_keeps_budgets_and_ends_well(command, model_folder, tmp_path, until):
    file = KeyFile(tmp_path / "keys.toml")
    token, key = new_key("predict")
    other, other_key = new_key("predict")
    file.add(key)
    file.add(other_key)
    words = ["--keys", str(file.path), "--workers", "2", "--rate", "0.0001", "--burst", "30"]
    ours = command(f"topics={model_folder}", *words)
    texts = ["the card was 1", "the film was 2"]
    status, found = ours.ask("POST", PREDICT, token, {"inputs": texts})
    expected = [x.to_json() for x in glossator.load(model_folder).predict(texts)]
    assert status == 200
    assert [x["label"] for x in found["predictions"]] == [x["label"] for x in expected]

    before = ours.children()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    until(lambda: ours.ask("GET", "/health/ready")[0] == 503)
    until(lambda: ours.ask("GET", "/health/ready")[0] == 200)
    assert len(set(ours.children()) - set(before)) == 1

    def ask(_):
        return ours.ask("POST", PREDICT, other, {"inputs": ["the card"]})[0]

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(100)))
    assert (statuses.count(200), statuses.count(429)) == (30, 70)

    ours.process.send_signal(signal.SIGTERM)
    assert ours.process.wait(PATIENCE) == 0


def test_a_folder_that_is_none_ends_it_with_one_error(tmp_path):
    (tmp_path / "nothing").mkdir()
    words = ["serve", str(tmp_path / "nothing"), "--port", "0", "--workers", "2", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "glossator", *words],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "manifest.json" in json.loads(done.stderr)["error"]["message"]
