"""Load, latency and errors of the last minutes."""

from __future__ import annotations

import threading

import pytest

from glossator.serving.app import Told
from glossator.serving.batcher import Measured
from glossator.serving.status import EDGES, EVERY, Status


class Clock:
    now = 1_000_002.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def told(status=200, seconds=0.004, method="POST"):
    return Told(request_id="1", method=method, route="/a", status=status, seconds=seconds)


def told_of(status):
    return status.to_json(lambda model: True)


def test_requests_fall_into_the_interval_in_which_they_were_answered(clock):
    status = Status(clock)
    for code in (200, 200, 404, 503):
        status.request(told(code))
    clock.now += EVERY
    status.request(told(429))
    first, second = told_of(status)["intervals"]
    assert first["at"] == 1_000_000
    assert second["at"] == 1_000_000 + EVERY
    assert (first["requests"], first["refused"], first["failed"]) == (4, 1, 1)
    assert (second["requests"], second["refused"], second["failed"]) == (1, 1, 0)


def test_what_the_page_itself_asks_is_not_counted(clock):
    status = Status(clock)
    status.request(told(method="GET"))
    assert told_of(status)["intervals"] == []


@pytest.mark.parametrize(
    ("seconds", "place"),
    [(0.0, 0), (0.001, 0), (0.0011, 1), (10.0, len(EDGES) - 1), (60, len(EDGES))],
)
def test_latencies_are_counted_up_to_an_edge(clock, seconds, place):
    status = Status(clock)
    status.request(told(seconds=seconds))
    latency = told_of(status)["intervals"][0]["latency"]
    assert latency.index(1) == place
    assert sum(latency) == 1


def test_what_is_old_is_forgotten(clock):
    status = Status(clock)
    for _ in range(500):
        status.request(told())
        clock.now += EVERY
    assert len(told_of(status)["intervals"]) == 119
    clock.now += 3_600
    assert told_of(status)["intervals"] == []


def test_a_clock_that_is_set_back_loses_nothing(clock):
    status = Status(clock)
    status.request(told())
    clock.now -= 60
    status.request(told())
    assert [x["requests"] for x in told_of(status)["intervals"]] == [2]


def test_batches_come_from_many_threads(clock):
    status = Status(clock)
    measured = Measured(3, 40, 0.1, 0.1)
    threads = [
        threading.Thread(target=lambda: [status.batch("m", measured) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = told_of(status)["intervals"]
    assert (found["batches"], found["texts"], found["tokens"]) == (2_000, 6_000, 80_000)


def test_an_endpoint_tells_of_its_requests_and_of_the_models_that_a_key_sees(
    made, keys, model_folder
):
    client = made({"topics": model_folder, "other": model_folder})
    keys.make("limited", models=["other"])
    client.post("/v1/models/topics/predict", headers=keys.header(), json={"inputs": ["a", "b"]})
    client.post("/v1/models/topics/predict", headers=keys.header(), json={})
    # A batch is told of after its answers are given.
    client.endpoint.models.get("topics").batcher.close()
    every = client.get("/v1/status", headers=keys.header()).json()
    assert {x["id"] for x in every["models"]} == {"topics", "other"}
    assert totals(every) == {"requests": 2, "refused": 1, "texts": 2}
    limited = client.get("/v1/status", headers=keys.header("limited")).json()
    assert [x["id"] for x in limited["models"]] == ["other"]
    assert limited["intervals"] == []
    client.post("/v1/models/other/predict", headers=keys.header(), json={"inputs": ["a"] * 5})
    client.endpoint.models.get("other").batcher.close()
    limited = client.get("/v1/status", headers=keys.header("limited")).json()
    assert totals(limited) == {"requests": 1, "refused": 0, "texts": 5}
    assert client.get("/v1/status").status_code == 401


def totals(found):
    names = ("requests", "refused", "texts")
    return {name: sum(x[name] for x in found["intervals"]) for name in names}


def test_what_came_to_no_model_is_shown_to_who_sees_all(made, keys):
    client = made()
    keys.make("limited", models=["topics"])
    client.post("/v1/models/none/predict", headers=keys.header(), json={"inputs": ["a"]})
    shown = {
        name: totals(client.get("/v1/status", headers=keys.header(name)).json())["requests"]
        for name in ("predict", "limited")
    }
    assert shown == {"predict": 1, "limited": 0}
