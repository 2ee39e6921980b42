"""An endpoint on Ray Serve."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from glossator.errors import ConfigError
from glossator.models.config import RuntimeConfig
from glossator.serving.config import (
    LimitConfig,
    ObservabilityConfig,
    ReplicaConfig,
    ServeConfig,
)
from glossator.serving.desired_models import DesiredModels
from glossator.serving.replicas import Digests, Replica

SRC = Path(__file__).parents[2] / "src"
PREDICT = "/v1/models/topics/predict"


@pytest.mark.parametrize(
    ("replicas", "given", "why"),
    [
        ({"max_replicas": 2}, {}, "--max-replicas asks for --ray"),
        ({"queue_depth": 2}, {}, "--queue-depth asks for --ray"),
        ({"ray": "local", "min_replicas": 2}, {}, "no more at least than at most"),
        ({"ray": "local", "min_replicas": 0}, {}, "expected 1 or more"),
        ({"ray": "local", "queue_depth": 0}, {}, "--queue-depth must be 1 or more"),
        ({"ray": "local", "scale_up_after": 0.0}, {}, "--scale-up-after must be above 0"),
        ({"ray": "local"}, {"workers": 2}, "exclude each other"),
        ({"ray": "head:6379"}, {"rate": 5.0}, "--rate asks for --ray local"),
        ({"ray": "head:6379"}, {}, "asks for --state"),
        ({}, {"state": "state"}, "--state asks for --ray"),
    ],
)
def test_options_that_contradict_each_other(replicas, given, why):
    rate = given.pop("rate", None)
    with pytest.raises(ConfigError, match=why):
        ReplicaConfig(**replicas).refuse_unfit(ServeConfig(**given), LimitConfig(rate=rate))


def test_budgets_of_replicas_on_one_machine_are_no_contradiction():
    limits = LimitConfig(rate=5.0)
    ReplicaConfig(ray="local").refuse_unfit(ServeConfig(), limits)
    ReplicaConfig().refuse_unfit(ServeConfig(), limits)


@pytest.fixture
def replica(tmp_path, model_folder, keys):
    def make(folder=model_folder, limits=None, shared=None, observability=None):
        DesiredModels(tmp_path).begin({"topics": folder})
        runtime, limits = RuntimeConfig(), limits or LimitConfig()
        return Replica(
            tmp_path, Digests(keys.keys()), ServeConfig(), limits, runtime, shared, observability
        )

    return make


def lived(app, during):
    """What an application says of its life, in which `during` happens."""
    said, told = [], asyncio.Event()

    async def live():
        messages = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive():
            message = next(messages)
            if message == "lifespan.shutdown":
                await told.wait()
            return {"type": message}

        async def send(message):
            said.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                await asyncio.to_thread(during)
                told.set()

        await app({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    return said


def test_a_replica_opens_its_models_where_it_starts(replica, keys):
    from starlette.testclient import TestClient

    made = replica()
    sent = pickle.dumps(made)
    assert all(token.encode() not in sent for token in keys.tokens.values())
    app, found = pickle.loads(sent), []

    def during():
        client = TestClient(app, base_url="http://localhost")
        body = {"inputs": ["the card was 3"]}
        path = "/v1/models/topics/predict"
        found.append(client.post(path, headers=keys.header(), json=body).status_code)
        found.append(client.post(path, json=body).status_code)

    said = lived(app, during)
    assert found == [200, 401]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_replica_logs_and_masks_as_it_was_told(replica, keys, tmp_path):
    from starlette.testclient import TestClient

    config = ObservabilityConfig(log=str(tmp_path / "log"), mask=True, log_texts=True)
    app, found = pickle.loads(pickle.dumps(replica(observability=config))), []

    def during():
        client = TestClient(app, base_url="http://localhost")
        body = {"inputs": ["the card of a@b.example"]}
        found.append(client.post(PREDICT, headers=keys.header(), json=body).json()["masked"])

    lived(app, during)
    records = map(json.loads, (tmp_path / "log").read_text().splitlines())
    (record,) = [each for each in records if each["event"] == "request"]
    assert found == [["the card of [EMAIL]"]]
    assert (record["status"], record["masked"]) == (200, ["the card of [EMAIL]"])


def test_a_replica_whose_folder_changed_does_not_start(replica, model_folder, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(model_folder, folder)
    app = replica(folder)
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert lived(app, lambda: None) == ["lifespan.startup.failed"]


def counted(metrics):
    """Requests that the metrics know, by their status."""
    found = {}
    for line in metrics.splitlines():
        if line.startswith("glossator_requests_total{") and "predict" in line:
            status = line.partition('status="')[2][:3]
            found[status] = found.get(status, 0) + float(line.rpartition(" ")[2])
    return found


@pytest.mark.parametrize("common", [True, False], ids=["in common", "each its own"])
def test_replicas_of_one_machine_have_budgets_and_metrics_in_common(
    replica, keys, tmp_path, common
):
    made = replica(limits=LimitConfig(rate=1e-4, burst=26), shared=tmp_path if common else None)
    environment = made.actor_options().get("runtime_env", {}).get("env_vars", {})
    headers = [json.dumps(keys.header(name)) for name in ("predict", "metrics")]
    words = [pickle.dumps(made).hex(), *headers]
    program = str(Path(__file__).with_name("one_replica.py"))
    processes = [
        subprocess.Popen(
            [sys.executable, program, *words],
            env={**os.environ, "PYTHONPATH": str(SRC), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [json.loads(each.communicate()[0]) for each in processes]
    answers = [status for each in told for status in each["answers"]]
    if not common:  # the control
        assert (answers.count(200), answers.count(429)) == (40, 0)
        assert [counted(each["metrics"]) for each in told] == [{"200": 20.0}] * 2
        return
    assert (answers.count(200), answers.count(429)) == (26, 14)
    # Whichever was the last to ask knows of all.
    last = max((counted(each["metrics"]) for each in told), key=lambda x: sum(x.values()))
    assert last == {"200": 26.0, "429": 14.0}


def asked(address, token, method="POST", path="/v1/models/topics/predict", body=None):
    """The status and the body of an answer."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    content = json.dumps(body or {"inputs": ["the card was 3"]}).encode()
    request = urllib.request.Request(address + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            content = response.read().decode()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(content) if is_json else content
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_answers_on_ray_until_it_is_told_to_end(model_folder, tmp_path):
    """The command itself: started, asked, its model swapped on all replicas, ended by a signal."""
    pytest.importorskip("ray.serve", exc_type=ImportError)
    shutil.copytree(model_folder, tmp_path / "root" / "second")
    command = [sys.executable, "-m", "glossator", "serve", f"topics={model_folder}"]
    command += ["--ray", "local", "--min-replicas", "2", "--max-replicas", "2", "--port", "0"]
    command += ["--models-root", str(tmp_path / "root"), "--rate", "0.0001", "--burst", "18"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(SRC), "RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().strip().rpartition(" ")[2]
        key = next(line for line in process.stderr if line.startswith("key of this run: "))
        token = key.split()[-1]
        status, before = asked(address, token)
        assert (status, before["predictions"][0]["label"]) == (200, "card")
        assert asked(address, "glo_wrong")[0] == 401
        status, told = asked(address, token, "PUT", "/v1/models/more", {"folder": "second"})
        assert (status, told["version"]) == (201, before["version"])
        for _ in range(8):  # whichever replica it comes to
            assert asked(address, token, path="/v1/models/more/predict")[0] == 200
        metrics = asked(address, token, "GET", "/metrics")[1]
        assert counted(metrics)["200"] == 9.0
        assert [asked(address, token)[0] for _ in range(8)].count(429) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.communicate()
