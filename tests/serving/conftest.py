"""A small model behind an application, and who may ask it."""

from __future__ import annotations

import http.client
import json
import threading
import time

import pytest

pytest.importorskip("starlette", reason="the extra 'serve' is not installed")

from starlette.testclient import TestClient

import glossator
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.endpoint import Endpoint
from glossator.serving.keys import new_key
from glossator.serving.server import Server, bound
from glossator.serving.wiring import Wiring

PATIENCE = 300  # seconds that a test waits for what must come, on a machine that is busy
OUTSIDE = [
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "../topics",
    "a/../../b",
    "a/b",
    "/etc",
    "//etc",
    "..\\topics",
    "a\\b",
    "C:",
    "C:\\models",
    "%2e%2e",
    "%2e%2e%2ftopics",
    "..%2ftopics",
    "topics\0",
    "topics\0.json",
    "to\npics",
    " topics",
    "topics ",
    "\uff0e\uff0e",
    "\uff0e\uff0e\uff0ftopics",
    "\u2025",
    "\u2024\u2024",
    "topics\uff0f",
    "\uff54opics",
    "a\u2215b",
    "\u202etopics",
    "top\u200bics",
    "topics\ud800",
    "~",
    "$HOME",
    "a" * 201,
    "情" * 67,
]

WORDS = ("card", "film", "market")


class Keys:
    """Keys in memory; `tokens` has what opens, by what it was made for."""

    def __init__(self):
        self.kept, self.tokens = {}, {}

    def make(self, name, role="predict", **given):
        token, key = new_key(role, **given)
        self.kept[key.id], self.tokens[name] = key, token
        return key

    def keys(self):
        return self.kept

    def header(self, name="predict"):
        return {"Authorization": f"Bearer {self.tokens[name]}"}


@pytest.fixture(scope="session")
def model_folder(tiny_model_folder, tmp_path_factory):
    """A folder of a classifier."""
    rows = [{"text": f"the {WORDS[i % 3]} was {i}", "label": WORDS[i % 3]} for i in range(60)]
    folder = tmp_path_factory.mktemp("served") / "topics"
    glossator.fit(
        rows, model=str(tiny_model_folder), output=str(folder), epochs=2, seed=1, progress=False
    )
    return folder


@pytest.fixture
def outside():
    """Names that could lead out of the folder in which they are looked for."""
    return OUTSIDE


@pytest.fixture
def keys():
    found = Keys()
    for role in ("predict", "metrics", "admin"):
        found.make(role, role)
    return found


@pytest.fixture
def made(model_folder, keys):
    """Makes an endpoint, and a client of it that has no key."""
    endpoints = []

    def make(folders=None, limits=None, config=None, **given):
        endpoint = Endpoint.of(
            folders or {"topics": model_folder},
            keys,
            config or ServeConfig(),
            limits or LimitConfig(),
            RuntimeConfig(threads=1),
            Wiring(**given),
        )
        endpoint.health.ready = True
        endpoints.append(endpoint)
        client = TestClient(endpoint.app, base_url="http://localhost")
        client.endpoint = endpoint
        return client

    yield make
    for endpoint in endpoints:
        endpoint.close()


@pytest.fixture
def client(made):
    return made()


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


class Live:
    """An application behind a real port, on a thread."""

    def __init__(self, app, limits=None):
        self.clock, began = Clock(), threading.Event()
        config = ServeConfig(port=0)
        listener = bound(config)
        self.port = listener.getsockname()[1]
        self.server = Server(
            app, config, limits or LimitConfig(), ready=began.set, clock=self.clock
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()
        assert began.wait(PATIENCE)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method, path, headers, body=None):
        """The status, the headers and the body of one answer."""
        connection = self.connection()
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, headers)
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        finally:
            connection.close()

    def end(self):
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def live():
    """Puts applications behind ports."""
    made = []

    def make(app, limits=None):
        made.append(Live(app, limits))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def until():
    """Waits for what must come to be true."""

    def wait(condition):
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.005)
        return found

    return wait
