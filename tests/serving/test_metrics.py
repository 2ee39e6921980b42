"""What Prometheus is told, by one process and by several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from glossator.serving.config import LimitConfig

PREDICT = "/v1/models/topics/predict"
SRC = Path(__file__).parents[2] / "src"


def samples(text):
    """The value of each series, by its name and its labels."""
    return {
        (sample.name.removeprefix("glossator_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found, name, **labels):
    return found.get((name, frozenset(labels.items())))


@pytest.fixture
def read(client, keys):
    def read(name="metrics"):
        response = client.get("/metrics", headers=keys.header(name))
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain")
        return samples(response.text)

    return read


def ask(client, keys, body, path=PREDICT, name="predict"):
    return client.post(path, headers=keys.header(name), json=body)


def test_requests_texts_and_batches_are_counted_by_model_and_outcome(client, keys, read):
    ask(client, keys, {"inputs": ["the card was 1", "the film was 2"]})
    ask(client, keys, {"inputs": ["the card was 1", ""]})
    ask(client, keys, {"inputs": ["", 5]})
    ask(client, keys, {"inputs": 5})
    found = read()
    labels = {"route": "/v1/models/{model}/predict", "model": "topics"}
    for status, outcome in (
        ("200", "ok"),
        ("200", "partial"),
        ("422", "failed"),
        ("400", "bad_request"),
    ):
        assert value(found, "requests_total", **labels, status=status, outcome=outcome) == 1
    assert value(found, "texts_total", model="topics", outcome="ok") == 3
    assert value(found, "texts_total", model="topics", outcome="bad_text") == 3
    assert value(found, "request_seconds_count", **labels) == 4
    for stage, count in (("tokenize", 3), ("queue", 2), ("inference", 2)):
        assert value(found, f"request_{stage}_seconds_count", model="topics") == count
    assert value(found, "batch_texts_sum", model="topics") == 3
    assert value(found, "batch_tokens_sum", model="topics") == value(
        found, "tokens_total", model="topics"
    )
    assert value(found, "queue_texts", model="topics") == 0
    assert value(found, "ready") == 1
    # Whoever asks for metrics is being answered.
    assert value(found, "requests_in_flight") == 1


def test_the_stages_are_no_longer_than_the_request(client, keys, read):
    ask(client, keys, {"inputs": ["the card was 1"] * 50})
    found = read()
    whole = value(found, "request_seconds_sum", route="/v1/models/{model}/predict", model="topics")
    parts = [
        value(found, f"request_{stage}_seconds_sum", model="topics")
        for stage in ("tokenize", "queue", "inference")
    ]
    assert all(part >= 0 for part in parts)
    assert 0 < sum(parts) <= whole


def test_no_label_is_of_a_clients_making(client, keys, read):
    canary = "canary4711"
    for path in (f"/v1/models/{canary}/predict", f"/{canary}", f"/v1/models/{canary}"):
        ask(client, keys, {"inputs": [canary], canary: canary}, path=path)
    ask(client, keys, {"inputs": [canary], "options": {canary: 1}})
    client.request(canary.upper(), PREDICT, headers=keys.header())
    client.get("/health", headers={"Host": canary})
    found = read()
    assert canary not in repr(found).lower()
    unknown = {"route": "/v1/models/{model}/predict", "model": "unknown"}
    assert value(found, "requests_total", **unknown, status="404", outcome="unknown_model") == 1


def test_a_key_of_some_models_sees_the_metrics_of_no_other(made, keys, model_folder):
    client = made({"topics": model_folder, "other": model_folder})
    keys.make("limited", "metrics", models=["other"])
    for name in ("topics", "other"):
        ask(client, keys, {"inputs": ["the card"]}, path=f"/v1/models/{name}/predict")
    limited, all_of_them = (
        client.get("/metrics", headers=keys.header(name)).text for name in ("limited", "metrics")
    )
    assert 'model="other"' in limited
    assert "topics" not in limited
    assert "topics" in all_of_them


def test_a_model_that_is_gone_waits_for_nothing_and_keeps_its_counts(client, keys, read):
    ask(client, keys, {"inputs": ["the card"]})
    version = client.endpoint.models.get("topics").version[:12]
    info = {"model": "topics", "task": client.endpoint.models.get("topics").predictor.task.name}
    assert value(read(), "model_info", **info, version=version) == 1
    client.endpoint.models.remove("topics")
    found = read()
    assert value(found, "model_info", **info, version=version) is None
    assert value(found, "queue_texts", model="topics") is None
    assert value(found, "texts_total", model="topics", outcome="ok") == 1


def test_refused_requests_count_by_their_reason(made, keys):
    client = made(limits=LimitConfig(max_inputs=2))
    ask(client, keys, {"inputs": ["a", "b", "c"]})
    found = samples(client.get("/metrics", headers=keys.header("metrics")).text)
    assert value(found, "texts_total", model="topics", outcome="too_many") == 3


def test_a_text_that_the_model_fails_with_is_counted(client, keys, read, monkeypatch):
    served = client.endpoint.models.get("topics")

    def fail(kind, items):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(served, "answer", fail)
    assert ask(client, keys, {"inputs": ["the card"]}).status_code == 500
    assert value(read(), "model_failures_total", model="topics") == 1


# Several processes

WORKER = """
import sys
from glossator.serving.app import Told
from glossator.serving.account import Account
from glossator.serving.batcher import Measured
from glossator.serving.metrics import Metrics
metrics = Metrics()
metrics.ready(True)
for _ in range(int(sys.argv[1])):
    metrics.begin()
    account = Account(model="m", texts=2, started=1.0, tokenize=.1, queue=.2, inference=.3)
    metrics.tell(Told(request_id="a", method="GET", route="/r", status=200, seconds=1.0,
                      account=account))
metrics.observe("m", Measured(2, 30, 0.0, 0.3))
print("told", flush=True)
sys.stdin.readline()
"""
READER = """
from glossator.serving.keys import new_key
from glossator.serving.metrics import Metrics
text, _ = Metrics().text("", new_key("metrics")[1])
print(text.decode())
"""


class Workers:
    """Processes that share metrics."""

    def __init__(self, folder):
        self.folder, self.running = folder, []
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(SRC), *sys.path]),
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
        }

    def start(self, requests):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(requests)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "told\n"
        self.running.append(process)
        return process

    def read(self):
        command = [sys.executable, "-c", READER]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return samples(done.stdout)

    def end(self):
        for process in self.running:
            process.kill()
            process.communicate()


def test_several_processes_are_summed_and_files_of_dead_ones_go(tmp_path):
    workers = Workers(tmp_path)
    told = {"route": "/r", "model": "m", "status": "200", "outcome": "ok"}
    try:
        first, second = workers.start(3), workers.start(4)
        found = workers.read()
        assert value(found, "requests_total", **told) == 7
        assert value(found, "ready") == 2
        for each, dead in enumerate((first, second), 1):
            dead.kill()
            dead.communicate()
            found = workers.read()
            # What was counted stays, what was measured of a process goes with it.
            assert value(found, "requests_total", **told) == 7
            assert value(found, "request_queue_seconds_count", model="m") == 7
            assert value(found, "request_queue_seconds_bucket", model="m", le="0.1") == 0
            assert value(found, "request_queue_seconds_bucket", model="m", le="+Inf") == 7
            assert value(found, "batch_tokens_sum", model="m") == 60
            assert value(found, "ready") == 2 - each
            assert not list(tmp_path.glob(f"*_{dead.pid}.db"))
        workers.start(5)
        assert value(workers.read(), "requests_total", **told) == 12
    finally:
        workers.end()
    workers.read()
    left = {path.name.partition("_")[2] for path in tmp_path.glob("*.db")}
    assert len([name for name in left if name == "ended.db"]) == 1
