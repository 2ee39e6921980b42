"""`glossator serve` as it is run: two processes, a real model, a real port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
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

    def __init__(self, *words, program=("-m", "glossator", "serve"), errors=None, **environment):
        self.process = subprocess.Popen(
            [sys.executable, *program, *words, "--port", "0", "--json"],
            env={**os.environ, "PYTHONPATH": str(SRC), **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self.lines = []
        while not self.lines or self.lines[-1] != "}\n":
            line = self.process.stdout.readline()
            assert line, f"it ended with {self.process.wait(PATIENCE)}"
            self.lines.append(line)
        self.port = int(json.loads("".join(self.lines))["address"].rpartition(":")[2])

    def ask(self, method, path, token="", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            found = connection.getresponse()
            content = found.read()
            is_json = found.headers.get_content_type() == "application/json"
            return found.status, json.loads(content) if is_json else content.decode()
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

    def start(*words, **given):
        made.append(Command(*words, **given))
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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_a_process_that_dies_in_a_batch_leaves_no_text_and_no_key(
    command, model_folder, tmp_path, until
):
    token, key = new_key("admin")
    file = KeyFile(tmp_path / "keys.toml")
    file.add(key)
    text = "quokka4711 crash"
    (tmp_path / "temporary").mkdir()
    words = ["--keys", str(file.path), "--workers", "2", "--rate", "1000", "--burst", "1000"]
    words += ["--log", str(tmp_path / "log"), "--log-level", "debug"]
    with open(tmp_path / "errors", "w") as errors:
        ours = command(
            f"topics={model_folder}",
            *words,
            program=[str(Path(__file__).with_name("crashing.py"))],
            errors=errors,
            TMPDIR=str(tmp_path / "temporary"),
        )
    before = ours.children()
    for number in before:
        limits = Path(f"/proc/{number}/limits").read_text()
        assert re.search(r"Max core file size +0 ", limits)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ours.ask("POST", PREDICT, token, {"inputs": ["the card was 1", text]})
    until(lambda: len(set(ours.children()) - set(before)) == 1)
    until(lambda: ours.ask("GET", "/health/ready")[0] == 200)
    assert ours.ask("POST", PREDICT, token, {"inputs": ["the card was 1"]})[0] == 200
    status, metrics = ours.ask("GET", "/metrics", token)
    assert status == 200
    files = [x for x in tmp_path.rglob("*") if x.is_file()]
    left = {str(x): x.read_bytes() for x in files} | ledgers(ours.children())
    assert any("metrics" in path for path in left)
    assert any("(deleted)" in path for path in left)
    ours.process.send_signal(signal.SIGTERM)
    assert ours.process.wait(PATIENCE) == 0
    told = {
        **left,
        "metrics": metrics.encode(),
        "output": "".join([*ours.lines, *ours.process.stdout]).encode(),
        "errors": (tmp_path / "errors").read_bytes(),
    }
    for canary in (b"quokka4711", token.encode()):
        assert [place for place, content in told.items() if canary in content] == []


def ledgers(processes):
    """What is in files that have no name any more."""
    found = {}
    for number in processes:
        for link in Path(f"/proc/{number}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # one that was closed since
                name = os.readlink(link)
                if "glossator-" in name and name.endswith("(deleted)"):
                    found[name] = link.read_bytes()
    return found


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


def test_a_folder_is_served_as_another_task_by_all_processes(command, tiny_model_folder, tmp_path):
    token, key = new_key("predict")
    file = KeyFile(tmp_path / "keys.toml")
    file.add(key)
    labels = tmp_path / "labels.toml"
    labels.write_text('card = "i lost the card"\nfilm = "great film"\n')
    words = ["--task", "zero-shot-classification", "--labels", str(labels), "--allow-unverified"]
    words += ["--keys", str(file.path), "--workers", "2"]
    ours = command(f"kinds={tiny_model_folder}", *words)
    for text, label in (("great film", "film"), ("i lost the card", "card")):
        status, found = ours.ask("POST", "/v1/models/kinds/predict", token, {"inputs": [text]})
        assert status == 200
        assert found["predictions"][0]["label"] == label
    ours.process.send_signal(signal.SIGTERM)
    assert ours.process.wait(PATIENCE) == 0


def test_one_of_several_models_that_cannot_be_opened_so_says_what_to_do(
    model_folder, tiny_model_folder
):
    words = ["serve", str(tiny_model_folder), str(model_folder), "--port", "0"]
    words += ["--task", "zero-shot-classification", "--labels", "a,b", "--allow-unverified"]
    done = subprocess.run(
        [sys.executable, "-m", "glossator", *words],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("error")]
    assert "answers text-classification" in line
    assert "--task is for all models of the command" in line
