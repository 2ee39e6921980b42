"""Connections of slow, rude and departed clients, over real sockets."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from glossator.serving.config import LimitConfig

PATIENCE = 60
PREDICT = "/v1/models/topics/predict"


async def hello(scope, receive, send):
    """Reads a body, then says hello."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    await PlainTextResponse("hello")(scope, receive, send)


async def refuses(scope, receive, send):
    """Refuses without a look at the body."""
    await JSONResponse({"no": 1}, 413, {"Connection": "close"})(scope, receive, send)


async def names(scope, receive, send):
    """Reads a body, then tells the names of the headers."""
    while (await receive()).get("more_body"):
        pass
    await JSONResponse([name.decode() for name, _ in scope["headers"]])(scope, receive, send)


async def large(scope, receive, send):
    """More than all that lies between a server and a client takes in."""
    await PlainTextResponse("a" * 50_000_000)(scope, receive, send)


class Raw:
    """A client that sends whatever it likes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def until(self, end):
        """What comes, up to some bytes with which it ends."""
        found = b""
        while not found.endswith(end):
            part = self.socket.recv(65_536)
            assert part, found
            found += part
        return found

    def rest(self):
        """All that comes until the other end closes."""
        parts = []
        while part := self.socket.recv(65_536):
            parts.append(part)
        self.socket.close()
        return b"".join(parts)


@pytest.fixture
def raw():
    made = []

    def connect(live):
        made.append(Raw(live.port))
        return made[-1]

    yield connect
    for each in made:
        each.socket.close()


HALF_HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Le"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def status_and_error(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["kind"]


@pytest.mark.parametrize(
    ("sent", "seconds"), [(HALF_HEAD, 10), (HALF_BODY, 30), (WHOLE + HALF_HEAD, 10)]
)
def test_what_does_not_come_in_time_is_given_up(live, raw, until, sent, seconds):
    there = live(hello)
    slow = raw(there).send(sent)
    connections = there.server.door.state.connections
    until(lambda: any(x._in_head or x.cycle is not None for x in list(connections)))
    there.clock.now += seconds - 1
    assert there.ask("GET", "/", {})[0] == 200
    slow.socket.settimeout(PATIENCE)
    there.clock.now += 2
    answer = slow.rest()
    answer = answer.split(b"hello", 1)[-1]
    assert status_and_error(answer) == (408, "too_slow")


def test_a_client_that_says_nothing_is_closed(live, raw):
    there = live(hello)
    silent = raw(there)
    assert there.ask("GET", "/", {})[0] == 200
    there.clock.now += 11
    assert silent.rest() == b""


def test_slow_clients_do_not_keep_the_others_waiting(live, raw):
    there = live(hello)
    slow = [raw(there).send(HALF_HEAD if i % 2 else HALF_BODY) for i in range(50)]
    for _ in range(20):
        assert there.ask("GET", "/", {})[2] == b"hello"
    for i, each in enumerate(slow):
        each.send(b"ngth: 0\r\n\r\n" if i % 2 else b"0123456")
        assert each.until(b"hello")


def test_connections_above_the_limit_are_refused_until_there_is_room(live, raw, until):
    there = live(hello, LimitConfig(max_connections=2))
    first, second = raw(there), raw(there)
    until(lambda: len(there.server.door.state.connections) == 2)
    assert status_and_error(raw(there).rest()) == (503, "busy")
    first.socket.close()
    until(lambda: len(there.server.door.state.connections) == 1)
    assert there.ask("GET", "/", {})[0] == 200
    assert second.send(WHOLE).until(b"hello")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad_request")),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", (400, "bad_request")),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad_request")),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            (400, "bad_request"),
        ),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000, (431, "too_large")),
        (b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaaaaaa\r\n" * 10_000, (431, "too_large")),
    ],
)
def test_what_is_no_request_gets_one_json_error(live, raw, sent, expected):
    there = live(hello)
    client = raw(there)
    try:
        client.send(sent)
        assert status_and_error(client.rest()) == expected
    except ConnectionError:
        # The answer is taken back where the server closes while the client still sends much.
        assert len(sent) > 200_000
    assert there.ask("GET", "/", {})[0] == 200


def test_a_refusal_is_heard_by_a_client_that_is_still_sending(live, raw):
    there = live(refuses)
    size = 3_000_000
    client = raw(there).send(
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    client.send(b"a" * size)
    assert client.rest().startswith(b"HTTP/1.1 413 ")


def test_a_refused_client_that_does_not_stop_is_closed(live, raw):
    there = live(refuses)
    client = raw(there).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\na")
    assert client.socket.recv(65_536).startswith(b"HTTP/1.1 413 ")
    there.clock.now += 2
    assert client.rest() == b""


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_what_follows_a_body_is_no_header(live, raw):
    """It would come past whoever looks at headers in front of the server."""
    trailer = b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    answer = raw(live(names)).send(CHUNKED + trailer).until(b"]")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ["host", "transfer-encoding"]


@pytest.mark.parametrize("app", [hello, refuses])
@pytest.mark.parametrize("endless", [b"X: aaaaaaaaaa\r\n", b"aaaaaaaaaaaaaaa"])
def test_what_stands_around_a_body_has_an_end(live, raw, until, app, endless):
    there = live(app)
    client = raw(there)
    try:
        client.send(CHUNKED + b"0\r\nX: " + endless * 20_000)
        assert client.rest().split()[1] in (b"431", b"413")
    except ConnectionError:
        pass  # the answer is taken back where the server closes while much is on its way
    until(lambda: not there.server.door.state.connections)


def test_a_body_of_small_chunks_is_read(live, raw):
    client = raw(live(hello)).send(CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
    assert client.until(b"hello")


def test_a_client_that_does_not_read_is_given_up(live, raw, until):
    there = live(large)
    raw(there).send(WHOLE)
    connections = there.server.door.state.connections
    until(lambda: any(x._unread is not None for x in list(connections)))
    there.clock.now += 29
    assert there.ask("GET", "/", {})[0] == 200
    assert connections
    there.clock.now += 2
    until(lambda: not connections)


class Gate:
    """Stands before a model: stops it until `go`, and fails with poison."""

    def __init__(self, served):
        self._answer, self.seen = served.answer, []
        self.busy, self.go = Event(), Event()
        served.answer = self

    def __call__(self, kind, items, *given):
        texts = [record.texts[0] for record, _ in items]
        self.seen.append(texts)
        self.busy.set()
        assert self.go.wait(PATIENCE)
        if any("poison" in text for text in texts):
            raise RuntimeError("poison")
        return self._answer(kind, items, *given)


@pytest.fixture
def gated(made, live, keys):
    """An endpoint behind a port, its model behind a gate; `ask` sends one text."""
    told = []
    client = made(tell=told.append)
    there = live(client.endpoint.app)
    served = client.endpoint.models.get("topics")
    gate = Gate(served)
    headers = {**keys.header(), "Content-Type": "application/json"}

    def ask(text):
        status, _, body = there.ask("POST", PREDICT, headers, {"inputs": [text]})
        return status, json.loads(body)

    with ThreadPoolExecutor(64) as pool:
        yield there, served, gate, told, lambda text: pool.submit(ask, text), headers
        gate.go.set()


def test_one_who_leaves_the_queue_never_reaches_the_model(gated, raw, until):
    there, served, gate, told, ask, headers = gated
    first = ask("the first card")
    assert gate.busy.wait(PATIENCE)
    body = json.dumps({"inputs": ["the one that left"]}).encode()
    lines = [f"POST {PREDICT} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    left = [raw(there).send("\r\n".join([*lines, "", ""]).encode() + body) for _ in range(5)]
    stays = ask("the one that stays")
    until(lambda: served.batcher.waiting[0] == 6)
    for each in left:
        each.socket.close()
    until(lambda: sum(x.problem == "client_left" for x in told) == 5)
    gate.go.set()
    assert first.result()[0] == stays.result()[0] == 200
    assert gate.seen == [["the first card"], ["the one that stays"]]


def test_one_poisonous_text_of_a_batch_fails_alone(gated, until):
    _, served, gate, _, ask, _ = gated
    first = ask("the first card")
    assert gate.busy.wait(PATIENCE)
    texts = [f"the card {i}" for i in range(16)]
    texts[11] = "the poison"
    asked = [ask(text) for text in texts]
    until(lambda: served.batcher.waiting[0] == 16)
    gate.go.set()
    assert first.result()[0] == 200
    found = [one.result() for one in asked]
    assert len(gate.seen[1]) == 16
    assert [status for status, _ in found] == [200] * 11 + [500] + [200] * 4
    assert found[11][1]["error"] == {
        "kind": "internal", "message": "the model failed with this text"
    }  # fmt: skip
    assert [ask(f"the film {i}").result()[0] for i in range(100)] == [200] * 100


def test_fifty_in_flight_are_answered_and_new_ones_refused_at_the_end(gated, until):
    there, served, gate, _, ask, _ = gated
    asked = [ask(f"the card {i}") for i in range(50)]
    until(lambda: sum(map(len, gate.seen)) + served.batcher.waiting[0] == 50)
    there.server.should_exit = True

    def is_refused():
        try:
            socket.create_connection(("127.0.0.1", there.port), PATIENCE).close()
        except ConnectionRefusedError:
            return True
        return False

    until(is_refused)
    assert not any(one.done() for one in asked)
    gate.go.set()
    assert [one.result()[0] for one in asked] == [200] * 50
    there.end()


def test_what_is_too_much_is_refused_before_its_body_is_sent(made, live, keys, raw, until):
    client = made(limits=LimitConfig(max_waiting=4))
    there = live(client.endpoint.app)
    served = client.endpoint.models.get("topics")
    gate = Gate(served)
    headers = {**keys.header(), "Content-Type": "application/json"}
    with ThreadPoolExecutor(4) as pool:
        asked = []
        for i in range(2):
            asked.append(
                pool.submit(there.ask, "POST", PREDICT, headers, {"inputs": [f"the card was {i}"]})
            )
            assert gate.busy.wait(PATIENCE)
        until(lambda: served.batcher.waiting[1] > 4)
        lines = [f"POST {PREDICT} HTTP/1.1", "Host: localhost", "Content-Length: 1000"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        answer = raw(there).send("\r\n".join([*lines, "", ""]).encode()).until(b"}")
        assert status_and_error(answer) == (503, "busy")
        assert b"retry-after: 1" in answer.lower()
        gate.go.set()
        assert [one.result()[0] for one in asked] == [200, 200]


def test_no_more_requests_are_answered_at_once_than_may(made, live, keys):
    client = made(limits=LimitConfig(max_requests=1))
    there = live(client.endpoint.app)
    gate = Gate(client.endpoint.models.get("topics"))
    headers = {**keys.header(), "Content-Type": "application/json"}
    body = {"inputs": ["the card"]}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(there.ask, "POST", PREDICT, headers, body)
        assert gate.busy.wait(PATIENCE)
        status, found, answer = there.ask("POST", PREDICT, headers, body)
        assert (status, json.loads(answer)["error"]["kind"]) == (503, "busy")
        assert found["retry-after"] == "1"
        assert there.ask("GET", "/health/live", {})[0] == 200
        gate.go.set()
        assert first.result()[0] == 200
    assert there.ask("POST", PREDICT, headers, body)[0] == 200


def test_a_connection_at_rest_is_kept_for_a_while_and_then_closed(live, raw):
    there = live(hello, LimitConfig(keep_alive=1))
    client = raw(there).send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.until(b"hello")
    assert client.rest() == b""
