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
from glossator.serving.config import LimitConfig, ReplicaConfig, ServeConfig
from glossator.serving.desired_models import DesiredModels
from glossator.serving.replicas import Digests, Replica

SRC = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize(
    ("replicas", "endpoint", "why"),
    [
        ({"max_replicas": 2}, {}, "--max-replicas asks for --ray"),
        ({"queue_depth": 2}, {}, "--queue-depth asks for --ray"),
        ({"ray": "local", "min_replicas": 2}, {}, "no more at least than at most"),
        ({"ray": "local", "min_replicas": 0}, {}, "expected 1 or more"),
        ({"ray": "local", "queue_depth": 0}, {}, "--queue-depth must be 1 or more"),
        ({"ray": "local", "scale_up_after": 0.0}, {}, "--scale-up-after must be above 0"),
        ({"ray": "local"}, {"workers": 2}, "exclude each other"),
        ({"ray": "head:6379"}, {}, "asks for --state"),
        ({}, {"state": "state"}, "--state asks for --ray"),
    ],
)
def test_options_that_contradict_each_other(replicas, endpoint, why):
    with pytest.raises(ConfigError, match=why):
        ReplicaConfig(**replicas).refuse_unfit(ServeConfig(**endpoint))


@pytest.fixture
def replica(tmp_path, model_folder, keys):
    def make(folder=model_folder):
        DesiredModels(tmp_path).begin({"topics": folder})
        runtime, limits = RuntimeConfig(), LimitConfig()
        return Replica(tmp_path, Digests(keys.keys()), ServeConfig(), limits, runtime)

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


def test_a_replica_whose_folder_changed_does_not_start(replica, model_folder, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(model_folder, folder)
    app = replica(folder)
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert lived(app, lambda: None) == ["lifespan.startup.failed"]


def asked(address, token, method="POST", path="/v1/models/topics/predict", body=None):
    """The status and the body of an answer."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    content = json.dumps(body or {"inputs": ["the card was 3"]}).encode()
    request = urllib.request.Request(address + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_answers_on_ray_until_it_is_told_to_end(model_folder, tmp_path):
    """The command itself: started, asked, its model swapped on all replicas, ended by a signal."""
    pytest.importorskip("ray.serve", exc_type=ImportError)
    shutil.copytree(model_folder, tmp_path / "root" / "second")
    command = [sys.executable, "-m", "glossator", "serve", f"topics={model_folder}"]
    command += ["--ray", "local", "--min-replicas", "2", "--max-replicas", "2", "--port", "0"]
    command += ["--models-root", str(tmp_path / "root")]
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
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.communicate()
