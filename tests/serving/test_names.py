"""Names of models stay one plain component of a path."""

from __future__ import annotations

import pytest

from glossator.errors import InputError
from glossator.serving.names import checked_name

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
NEAR = ["a..b", "topics.v2", "topics..", "v1.2.3", "-a", "_a", "2", "情感", "é", "e2e", "a" * 200]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_could_lead_elsewhere_is_refused(name):
    with pytest.raises(InputError, match="model name"):
        checked_name(name)


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_pass(name):
    assert checked_name(name) == name
