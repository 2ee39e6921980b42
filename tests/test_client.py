"""The client, against a server of the test that answers what it is told; time is the test's own."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glossator import client as module
from glossator.client import Client
from glossator.errors import ConfigError, EndpointError

ANSWER = {
    "model": "topics",
    "version": "abc",
    "request_id": "1",
    "predictions": [{"label": "card"}, None],
    "errors": [{"input": 1, "kind": "bad_text", "message": "the text is empty"}],
}
BUSY = {"error": {"kind": "busy", "message": "too much waits"}, "request_id": "9"}


class Server:
    """Answers `planned` in order: (status, headers, body), or None to drop the connection."""

    def __init__(self):
        self.planned, self.seen, self.connections = [], [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                super().setup()

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                planned = outer.planned.pop(0)
                if planned is None:
                    self.close_connection = True
                    return
                status, headers, answer = planned
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": len(data), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=[0.01], daemon=True).start()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def server():
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def client(server, time):
    with Client(server.address, "glo_1_2", clock=time.clock, sleep=time.sleep) as found:
        yield found


def test_what_is_asked_and_what_is_answered(client, server):
    server.planned = [(200, {}, ANSWER)]
    found = client.predict("a b/c", ["x", ""], top_k=2, max_new_tokens=5)
    assert found.predictions == [{"label": "card"}, None]
    assert (found.model, found.version, found.request_id) == ("topics", "abc", "1")
    assert found.failures[0].input == 1
    method, path, headers, body = server.seen[0]
    assert (method, path) == ("POST", "/v1/models/a%20b%2Fc/predict")
    assert headers["Authorization"] == "Bearer glo_1_2"
    assert headers["Content-Type"] == "application/json"
    expected = {"inputs": ["x", ""], "top_k": 2, "options": {"max_new_tokens": 5}}
    assert json.loads(body) == expected


def test_a_connection_is_kept(client, server):
    server.planned = [(200, {}, ANSWER)] * 3
    for _ in range(3):
        client.predict("topics", ["x"])
    assert server.connections == 1


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_sent_away_comes_back_when_he_was_told(client, server, time, status):
    server.planned = [(status, {"Retry-After": 7}, BUSY)] * 2 + [(200, {}, ANSWER)]
    assert client.predict("topics", ["x"]).model == "topics"
    assert all(7 <= x < 7.2 for x in time.slept)
    assert len(time.slept) == 2


def test_pauses_grow_where_none_is_told(client, server, time, monkeypatch):
    monkeypatch.setattr(module.random, "random", lambda: 1.0)
    server.planned = [(503, {}, BUSY)] * 5 + [(200, {}, ANSWER)]
    client.predict("topics", ["x"])
    assert time.slept == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2])


def test_a_dropped_connection_is_made_again(client, server, time):
    server.planned = [(200, {}, ANSWER), None, (200, {}, ANSWER)]
    client.predict("topics", ["x"])
    assert client.predict("topics", ["x"]).model == "topics"
    assert server.connections == 2


def test_an_answer_that_is_cut_off_is_asked_for_again(client, server, time):
    server.planned = [(200, {"Content-Length": 9_999, "Connection": "close"}, ANSWER)]
    server.planned += [(200, {}, ANSWER)]
    assert client.predict("topics", ["x"]).model == "topics"
    assert len(server.seen) == 2


def test_it_gives_up_after_so_many_attempts(client, server, time):
    server.planned = [(503, {}, BUSY)] * 6
    with pytest.raises(EndpointError, match="too much waits") as caught:
        client.predict("topics", ["x"])
    assert (caught.value.status, caught.value.reason, caught.value.request_id) == (503, "busy", "9")
    assert len(server.seen) == 6


def test_it_does_not_wait_beyond_its_deadline(server, time):
    client = Client(server.address, "k", deadline=10, clock=time.clock, sleep=time.sleep)
    server.planned = [(503, {"Retry-After": 4}, BUSY)] * 6
    with pytest.raises(EndpointError):
        client.predict("topics", ["x"])
    assert len(time.slept) == 2
    assert time.now < 110
    client.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500])
def test_what_is_refused_is_not_asked_again(client, server, status):
    server.planned = [(status, {}, {"error": {"kind": "a", "message": "no"}})]
    with pytest.raises(EndpointError, match="no") as caught:
        client.predict("topics", ["x"])
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b"\xff"])
@pytest.mark.parametrize("status", [200, 302, 502])
def test_an_answer_of_another_server_is_told_as_such(client, server, status, body):
    if status == 200 and body in (b"[]", b'{"error": "no"}'):
        pytest.skip("it is JSON")
    server.planned = [(status, {"Location": "http://elsewhere.example/"}, body)]
    with pytest.raises(EndpointError, match="no JSON" if status == 200 else f"status {status}"):
        client.predict("topics", ["x"])
    assert len(server.seen) == 1


def test_nobody_there_is_an_error_of_ours(server, time):
    server.http.shutdown()
    server.http.server_close()
    client = Client(server.address, "k", attempts=2, clock=time.clock, sleep=time.sleep)
    assert client.ready() is False
    with pytest.raises(EndpointError, match="no answer"):
        client.models()
    assert len(time.slept) == 1


def test_whether_it_is_ready(client, server):
    server.planned = [(200, {}, {}), (503, {}, {})]
    assert client.ready() is True
    assert client.ready() is False


@pytest.mark.parametrize("address", ["localhost:8080", "ftp://a", "http://", "http://a/?b=c", ""])
def test_an_address_that_is_none(address):
    with pytest.raises(ConfigError, match="address"):
        Client(address, "k")


@pytest.mark.parametrize("key", ["a b", "a\r\nHost: x", "é"])
def test_a_key_that_is_none_is_not_shown(key):
    with pytest.raises(ConfigError) as caught:
        Client("http://localhost", key)
    assert key not in str(caught.value)


def test_the_key_is_not_shown(client):
    assert "glo_" not in repr(client)
    assert "glo_" not in str(vars(client).keys())


def test_nan_is_not_sent(client, server):
    with pytest.raises(ValueError, match="JSON compliant"):
        client.predict("topics", [{"a": float("nan")}])
    assert server.seen == []


def test_it_needs_the_standard_library_alone():
    source = str(Path(module.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {source!r}); import glossator.client; "
    code += "print(*{n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {"glossator", "__main__"}
