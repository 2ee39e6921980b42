"""Who may ask what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from glossator.serving.access import OPEN, Access
from glossator.serving.app import App

PREDICT = "/v1/models/topics/predict"
BODY = {"inputs": ["the card was 1"]}


def statuses(client, headers):
    """The status of each route, and the error of those that are refused."""
    found = {}
    for each in client.endpoint.app.routes:
        path = each.path.replace("{model}", "topics")
        for method in sorted(each.methods - {"HEAD"}):
            body = BODY if method in ("POST", "PUT") else None
            found[method, path] = client.request(method, path, headers=headers, json=body)
    return found


def denied_without_a_key(client):
    for (method, path), response in statuses(client, {}).items():
        if path not in OPEN:
            assert response.status_code == 401, (method, path)


def test_every_route_but_a_literal_few_asks_for_a_key(client):
    denied_without_a_key(client)
    for path in ("/health/live", "/health/ready", "/health"):
        assert client.get(path).status_code == 200


def test_an_open_route_would_be_found(client, monkeypatch):
    """The control: a route that somebody opened."""

    async def hello(request):
        return PlainTextResponse("hello")

    client.endpoint.app.routes.append(Route("/hello", hello, methods=["GET"]))
    denied_without_a_key(client)
    monkeypatch.setattr("glossator.serving.app.OPEN", OPEN | {"/hello"})
    with pytest.raises(AssertionError, match="/hello"):
        denied_without_a_key(client)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer glo_000000000000_" + "A" * 43,
        "Basic Z2xvOmdsbw==",
        "Bearer glo_",
        "Bearer \x7f",
        "bearer" * 1000,
    ],
)
def test_a_wrong_key_opens_nothing_and_learns_nothing(client, header):
    denied = client.post(PREDICT, headers={"Authorization": header}, json=BODY)
    nowhere = client.get("/no/such/path", headers={"Authorization": header})
    for response in (denied, nowhere):
        assert response.status_code == 401
        assert response.json()["error"]["kind"] == "no_key"
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_with_one_letter_changed_is_another(client, keys):
    token = keys.tokens["predict"]
    for place in (5, 20, len(token) - 1):
        other = "B" if token[place] != "B" else "C"
        changed = token[:place] + other + token[place + 1 :]
        found = client.post(PREDICT, headers={"Authorization": f"Bearer {changed}"}, json=BODY)
        assert found.status_code == 401
    assert client.post(PREDICT, headers=keys.header(), json=BODY).status_code == 200


def test_roles_open_what_is_theirs(client, keys):
    for (method, path), response in statuses(client, keys.header("metrics")).items():
        role = next(
            getattr(x, "role", None)
            for x in client.endpoint.app.routes
            if x.path.replace("{model}", "topics") == path
        )
        expected = role in (None, "metrics")
        assert (response.status_code != 403) is expected, (method, path)
    for response in statuses(client, keys.header("admin")).values():
        assert response.status_code not in (401, 403)


def test_a_route_that_says_nothing_of_keys_is_an_administrators(keys):
    async def answer(request):
        return PlainTextResponse("open")

    client = TestClient(App([Route("/bare", answer)], Access(keys)), base_url="http://localhost")
    asked = {name: client.get("/bare", headers=keys.header(name)) for name in keys.tokens}
    assert client.get("/bare").status_code == 401
    assert {name: found.status_code for name, found in asked.items()} == {
        "predict": 403, "metrics": 403, "admin": 200
    }  # fmt: skip


def test_an_expired_key_opens_nothing(client, keys):
    soon = datetime.now(UTC) + timedelta(hours=1)
    keys.make("good", expires=soon)
    keys.make("old", expires=soon - timedelta(hours=2))
    assert client.post(PREDICT, headers=keys.header("good"), json=BODY).status_code == 200
    assert client.post(PREDICT, headers=keys.header("old"), json=BODY).status_code == 401


def test_a_key_of_some_models_sees_no_other(made, keys, model_folder):
    client = made({"topics": model_folder, "other": model_folder})
    keys.make("limited", models=["other"])
    listed = client.get("/v1/models", headers=keys.header("limited")).json()
    assert [x["id"] for x in listed["data"]] == ["other"]
    hidden, absent = (
        client.post(f"/v1/models/{name}/predict", headers=keys.header("limited"), json=BODY)
        for name in ("topics", "absent")
    )
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["error"] == absent.json()["error"]
    seen = client.post("/v1/models/other/predict", headers=keys.header("limited"), json=BODY)
    assert seen.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost"}, 200),
        ({"Host": "127.0.0.1:8080"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200),
        ({"Host": "localhost:8080", "Origin": "http://localhost:9090"}, 403),
        ({"Host": "localhost", "Origin": "https://evil.example"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_and_other_names_are_refused(client, keys, headers, status):
    found = client.post(PREDICT, headers={**keys.header(), **headers}, json=BODY)
    assert found.status_code == status
    assert client.get("/health/live", headers=headers).status_code == status
    assert "access-control-allow-origin" not in found.headers
