"""Names of models stay one plain component of a path."""

from __future__ import annotations

import pytest

from glossator.errors import InputError
from glossator.serving.names import checked_name

NEAR = ["a..b", "topics.v2", "topics..", "v1.2.3", "-a", "_a", "2", "情感", "é", "e2e", "a" * 200]


def test_what_could_lead_elsewhere_is_refused(outside):
    for name in outside:
        with pytest.raises(InputError, match="model name"):
            checked_name(name)


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_pass(name):
    assert checked_name(name) == name
