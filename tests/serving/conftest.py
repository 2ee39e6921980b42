"""A small model behind an application, and who may ask it."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="the extra 'serve' is not installed")

from starlette.testclient import TestClient

import glossator
from glossator.models.config import RuntimeConfig
from glossator.serving.config import LimitConfig, ServeConfig
from glossator.serving.endpoint import Endpoint
from glossator.serving.keys import new_key

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
            **given,
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
