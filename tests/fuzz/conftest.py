from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that all examples of a test share."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
