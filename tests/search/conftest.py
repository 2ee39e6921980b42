"""Small indexes of a small table, with a tiny model or without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from embedders import make_embedder, make_ranker
from search_rows import ROWS, made_rows

from glossator.search import build_index


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory, tiny_starter_folder: Path) -> Path:
    """Makes vectors of 32 numbers and reads windows of 32 tokens; do not change it."""
    return make_embedder(tiny_starter_folder, tmp_path_factory.mktemp("embedder") / "embedder")


@pytest.fixture(scope="session")
def ranker(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Path:
    """Puts texts in order for a query."""
    return make_ranker(tiny_model_folder, tmp_path_factory.mktemp("ranker") / "ranker")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """An index of `ROWS` by words alone."""
    build_index(tmp_path / "words", ROWS, text=("title", "body"), id="id")
    return tmp_path / "words"


@pytest.fixture
def both(tmp_path: Path, embedder: Path) -> Path:
    """An index of `ROWS` by words and vectors."""
    folder = tmp_path / "both"
    build_index(folder, ROWS, text=("title", "body"), id="id", model=str(embedder))
    return folder


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Path) -> Path:
    """An index of 300 rows, which has an approximate way from 100 on."""
    pytest.importorskip("usearch", reason="the extra 'search' is not installed")
    monkeypatch.setattr("glossator.search.graph.FROM", 100)
    build_index(tmp_path / "many", made_rows(0, 300), text=("text",), id="id", model=str(embedder))
    return tmp_path / "many"
