"""What an endpoint answers, and what it refuses."""

from __future__ import annotations

import gzip
import json

import pytest

import glossator
from glossator.serving.config import LimitConfig

PREDICT = "/v1/models/topics/predict"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def ask(client, keys):
    def ask(body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(PREDICT, headers={**keys.header(), **JSON, **headers}, content=content)

    return ask


def test_predictions_are_those_of_predict(ask, model_folder):
    texts = [f"the {word} was {i}" for i, word in enumerate(["card", "film", "market"] * 5)]
    response = ask({"inputs": texts, "top_k": 2})
    assert response.status_code == 200
    found = response.json()
    expected = [x.to_json() for x in glossator.load(model_folder).predict(texts, top_k=2)]
    assert found.keys() == {"model", "version", "request_id", "predictions"}
    assert found["model"] == "topics"
    assert found["request_id"] == response.headers["x-request-id"]
    for one, other in zip(found["predictions"], expected, strict=True):
        assert one["label"] == other["label"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)
        assert len(one["labels"]) == 2


def test_the_version_is_the_digest_of_the_manifest(ask, model_folder):
    import hashlib

    digest = hashlib.sha256((model_folder / "manifest.json").read_bytes()).hexdigest()
    assert ask({"inputs": ["a"]}).json()["version"] == digest


def test_an_input_that_cannot_be_read_fails_alone(ask):
    response = ask({"inputs": ["the card", " ", 5, "\ud800", {"text": "the film"}, ["a", "b"]]})
    assert response.status_code == 200
    found = response.json()
    assert [x is None for x in found["predictions"]] == [False, True, True, True, False, True]
    assert [x["input"] for x in found["errors"]] == [1, 2, 3, 5]
    assert all(x["kind"] == "bad_text" for x in found["errors"])


def test_where_none_can_be_read_the_request_fails(ask):
    response = ask({"inputs": ["", 5]})
    assert response.status_code == 422
    assert response.json()["error"] == {"kind": "bad_text", "message": "the text is empty"}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b'{"inputs": [NaN]}', 400, "bad_json"),
        (b'{"inputs": ["a"], "inputs": ["b"]}', 400, "bad_json"),
        (b'{"inputs": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "bad_json"),
        (b'{"inputs": ["a"], "top_k": ' + b"9" * 5_000 + b"}", 400, "bad_json"),
        (b"[]", 400, "bad_request"),
        (b'"a"', 400, "bad_request"),
        ({}, 400, "bad_request"),
        ({"inputs": "the card"}, 400, "bad_request"),
        ({"inputs": []}, 400, "bad_request"),
        ({"inputs": {"text": "a"}}, 400, "bad_request"),
        ({"inputs": ["a"], "top": 3}, 400, "bad_request"),
        ({"inputs": ["a"], "top_k": 0}, 400, "bad_request"),
        ({"inputs": ["a"], "top_k": 1_001}, 400, "bad_request"),
        ({"inputs": ["a"], "top_k": True}, 400, "bad_request"),
        ({"inputs": ["a"], "top_k": "3"}, 400, "bad_request"),
        ({"inputs": ["a"], "options": {"beams": 3}}, 400, "bad_request"),
        ({"inputs": ["a"], "options": []}, 400, "bad_request"),
        ({"inputs": ["a"] * 100_000}, 413, "too_many"),
        ({"inputs": ["a" * 1_100_000]}, 413, "too_long"),
    ],
)
def test_what_is_refused_says_why(ask, body, status, kind):
    response = ask(body)
    assert (response.status_code, response.json()["error"]["kind"]) == (status, kind)
    assert len(response.content) < 500


def test_only_json_is_taken(ask):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert ask({"inputs": ["a"]}, **{"Content-Type": kind}).status_code == 415


def test_bodies_may_be_packed_but_not_to_hide_their_size(made, keys):
    client = made(limits=LimitConfig(max_body=10_000))
    body = json.dumps({"inputs": ["the card"]}).encode()

    def send(content, encoding="gzip"):
        headers = {**keys.header(), **JSON, "Content-Encoding": encoding}
        return client.post(PREDICT, headers=headers, content=content)

    assert send(gzip.compress(body)).status_code == 200
    assert send(gzip.compress(b" " * 50_000_000)).status_code == 413
    assert send(b"no gzip at all").status_code == 400
    assert send(gzip.compress(body)[:-4]).status_code == 400
    assert send(gzip.compress(body) + b"more").status_code == 400
    assert send(gzip.compress(body) + gzip.compress(body)).status_code == 400
    assert send(body, "br").status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ["a"], "mask": True, "options": {"\ud800": 1}},
        {"inputs": [{"text": "a", "more": "\ud800"}], "mask": True},
        {"inputs": [{"text": "a", "\ud800": "b"}], "mask": True},
        {"inputs": ["\ud800"], "mask": True},
        {"\ud800": 1},
    ],
)
def test_half_a_character_anywhere_is_no_fault_of_the_server(ask, body):
    found = ask(body)
    assert found.status_code in (200, 400, 422)
    found.json()


def test_what_waits_is_counted_again_once_a_request_was_read(made, keys, monkeypatch):
    """Or many that come at once would all find room, and then wait together."""
    client = made(limits=LimitConfig(max_waiting=4))
    served = client.endpoint.models.get("topics")
    read = served.read

    def others_come(*given):
        monkeypatch.setattr(type(served.batcher), "waiting", (1, 5))
        return read(*given)

    monkeypatch.setattr(served, "read", others_come)
    found = client.post(PREDICT, headers=keys.header(), json={"inputs": ["the card"]})
    assert (found.status_code, found.json()["error"]["kind"]) == (503, "busy")


@pytest.mark.parametrize(("delay", "status"), [(1.9, 200), (2.1, 503)])
def test_what_would_wait_for_too_long_is_refused(made, keys, monkeypatch, delay, status):
    client = made(limits=LimitConfig(max_delay=2.0))
    served = client.endpoint.models.get("topics")
    monkeypatch.setattr(type(served.batcher), "delay", delay)
    found = client.post(PREDICT, headers=keys.header(), json={"inputs": ["the card"]})
    assert found.status_code == status
    assert ("retry-after" in found.headers) == (status == 503)


def test_what_a_task_says_that_it_takes_is_counted(client, keys, monkeypatch):
    """Not the tokens of a text alone: what is to be written takes room too, with each beam."""
    task = client.endpoint.models.get("topics").predictor.task
    monkeypatch.setattr(type(task), "cost", lambda self, example: 60 * len(example.tokens))

    def ask(count):
        body = {"inputs": ["the card"] * count}
        return client.post(PREDICT, headers=keys.header(), json=body)

    assert ask(3).status_code == 200
    found = ask(1_000)
    assert (found.status_code, found.json()["error"]["kind"]) == (413, "too_long")
    assert found.json()["error"]["message"].startswith("240,000 tokens")


@pytest.mark.parametrize(("more", "status"), [(-1, 200), (0, 200), (1, 413)])
def test_a_body_may_be_as_large_as_the_limit(made, keys, more, status):
    limit = 2_000
    client = made(limits=LimitConfig(max_body=limit))
    body = json.dumps({"inputs": ["the card"]}).encode()
    body += b" " * (limit + more - len(body))
    headers = {**keys.header(), **JSON}
    assert client.post(PREDICT, headers=headers, content=body).status_code == status

    def chunks():
        yield body[:1_000]
        yield body[1_000:]

    assert client.post(PREDICT, headers=headers, content=chunks()).status_code == status


def test_a_text_of_too_many_windows_is_refused_where_that_is_asked(ask):
    found = ask({"inputs": ["the card " * 2_000, "the card"], "max_windows": 3}).json()
    assert found["predictions"][0] is None
    assert found["predictions"][1] is not None
    assert found["errors"][0]["kind"] == "too_long"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/v1/models/absent/predict", 404, "unknown_model"),
        ("GET", "/v1/models/absent", 404, "unknown_model"),
        ("GET", PREDICT, 405, "wrong_method"),
        ("DELETE", "/v1/models", 405, "wrong_method"),
        ("GET", "/v1", 404, "no_route"),
        ("GET", "/v1/models/../../etc/passwd", 404, "no_route"),
        ("GET", "/v1/models/%2e%2e%2fetc", 404, None),
    ],
)
def test_paths_that_there_are_not(client, keys, method, path, status, kind):
    found = client.request(method, path, headers=keys.header())
    assert found.status_code == status
    assert kind is None or found.json()["error"]["kind"] == kind


def test_nothing_of_a_text_or_a_key_is_told_to_logs(made, keys):
    told = []
    client = made(tell=told.append)
    canary = "canary-4711"
    for body in ({"inputs": [canary]}, {"inputs": [[canary, canary]]}, {canary: 1}):
        client.post(PREDICT, headers=keys.header(), json=body)
    client.post(PREDICT, headers={"Authorization": f"Bearer {canary}"}, json={"inputs": ["a"]})
    client.get(f"/v1/models/{canary}", headers=keys.header())
    assert len(told) == 5
    assert canary not in repr(told)
    assert all(token not in repr(told) for token in keys.tokens.values())
    assert {x.route for x in told} == {"/v1/models/{model}/predict", "/v1/models/{model}"}


def test_an_error_of_ours_is_one_json_object_and_no_trace(client, keys, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(client.endpoint.models, "get", fail)
    found = client.post(PREDICT, headers=keys.header(), json={"inputs": ["a"]})
    assert found.status_code == 500
    assert found.json()["error"]["kind"] == "internal"
    assert "secret" not in found.text


def test_it_is_ready_once_it_can_answer(client):
    assert client.get("/health/ready").status_code == 200
    client.endpoint.health.ready = False
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200
