"""`glossator inspect` of a search index: what it is, and whether it is whole."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from embedders import make_embedder
from search_rows import ROWS, made_rows

from glossator.search import build_index, remove_rows


@pytest.fixture
def words(here: Path) -> Path:
    """An index of `ROWS` by words alone."""
    build_index("words", ROWS, text=("title", "body"), id="id")
    return Path("words")


@pytest.fixture
def both(here: Path) -> Path:
    """An index of `ROWS` by words and vectors of the model `embedder`."""
    make_embedder(here / "tiny", here / "embedder")
    build_index("both", ROWS, text=("title", "body"), id="id", model="embedder")
    return Path("both")


def changed(index: Path, *statements: str) -> None:
    """Do to an index what no command does."""
    with contextlib.closing(sqlite3.connect(index / "index.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_an_index_by_words(run, words):
    found = run("inspect", words, "--json").json
    assert found.pop("bytes") > 10_000
    assert found.pop("made")[:2] == "20"
    assert found.pop("made_by")
    assert found == {
        "kind": "index", "path": "words", "rows": 5, "text": ["title", "body"], "id": "id",
        "columns": ["id", "title", "body", "lang", "year"], "vectors": None, "whole": True,
        "notes": [],
    }  # fmt: skip
    done = run("inspect", words)
    assert done.code == 0
    for said in (
        "words: a search index of 5 rows, found by words\n",
        "texts from title, body; rows are named by id",
        "with glossator ",
        "kB on disk",
        "whole",
    ):
        assert said in done.out


def test_an_index_with_vectors(run, both):
    remove_rows(both, [{"id": "a"}])
    found = run("inspect", both, "--json").json
    vectors = found["vectors"]
    assert vectors.pop("version").startswith("unverified-")
    assert vectors.pop("model").endswith("embedder")
    assert vectors == {
        "kept": "text", "width": 32, "live": 4, "dead": 1, "approximate": False, "in_graph": 0,
    }  # fmt: skip
    assert found["notes"] == []
    done = run("inspect", both)
    for said in (
        "4 rows, found by words and vectors",
        "4 vectors of 32 numbers, one a text, by ",
        "1 vector of rows that are gone; `glossator index --compact",
        "each is held against a query",
    ):
        assert said in done.out


def test_windows_and_a_graph_are_told(run, here, monkeypatch):
    pytest.importorskip("usearch", reason="the extra 'search' is not installed")
    monkeypatch.setattr("glossator.search.graph.FROM", 100)
    make_embedder(here / "tiny", here / "embedder")
    rows = made_rows(0, 120)
    build_index("many", rows, text=("text",), id="id", model="embedder", vectors="windows")
    vectors = run("inspect", "many", "--json").json["vectors"]
    assert (vectors["kept"], vectors["approximate"]) == ("windows", True)
    assert vectors["live"] == vectors["in_graph"] >= 120
    assert "one a window" in run("inspect", "many").out
    next(Path("many").glob("graph-*")).write_bytes(b"no graph")
    done = run("inspect", "many")
    assert done.code == 0, "it is derived from the vectors"
    assert "! every vector is held against a query: " in done.out
    next(Path("many").glob("graph-*")).unlink()
    assert "is missing" in run("inspect", "many", "--json").json["notes"][0]


def test_a_model_that_is_gone_or_another_is_a_note(run, both):
    Path("embedder", "sentence_bert_config.json").write_text('{"max_seq_length": 31}')
    (note,) = run("inspect", both, "--json").json["notes"]
    assert "now, and the index was made with unverified-" in note
    shutil.rmtree("embedder")
    (note,) = run("inspect", both, "--json").json["notes"]
    assert "embedder' is not there" in note
    assert "--by words needs none" in note


def test_an_index_of_an_older_version_says_no_more_than_it_knows(run, words):
    changed(
        words,
        "update settings set value = json_remove(value, '$.made', '$.made_by') "
        "where name = 'index'",
    )
    found = run("inspect", words, "--json").json
    assert (found["made"], found["made_by"]) == (None, None)
    assert "with glossator" not in run("inspect", words).out


def zeros(index: Path) -> None:
    """What a crash of the machine leaves of a file whose blocks were not written."""
    path = index / "vectors-0.f32"
    vectors = np.fromfile(path, np.float32).reshape(-1, 32)
    vectors[3] = 0
    vectors.tofile(path)


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (lambda x: (x / "index.sqlite").unlink(), "both is the rest of a search index: index.sql"),
        (lambda x: (x / "index.sqlite").write_bytes(b""), "is no file of a search index"),
        (lambda x: (x / "index.sqlite").write_bytes(b"text" * 999), "is damaged: file is not a"),
        (lambda x: (x / "vectors-0.f32").unlink(), "is missing"),
        (lambda x: (x / "vectors-0.f32").write_bytes(bytes(99)), "is cut short: expected 5 vec"),
        (zeros, "is damaged: vector 3 has the length 0; expected 1"),
        (lambda x: changed(x, "pragma user_version = 7"), "has format 7, this version reads 1"),
        (lambda x: changed(x, "pragma application_id = 7"), "is no file of a search index"),
        (lambda x: changed(x, "delete from rows where number = 2"), "it has 1 words of no row"),
        (lambda x: changed(x, "delete from words where rowid = 2"), "1 rows without their words"),
        (lambda x: changed(x, "delete from vectors where row = 2"), "1 rows without a vector"),
        (lambda x: changed(x, "insert into vectors values (9, 99, 0, 1)"), "1 vectors of no row"),
        (lambda x: changed(x, "insert into dead values (9)"), "knows 6 vectors, of 5 that there"),
        (lambda x: changed(x, "delete from settings"), "malformed"),
        (lambda x: changed(x, "update settings set value = '{}'"), "malformed: KeyError"),
        (lambda x: changed(x, "drop table settings"), "is damaged: no such table"),
    ],
)
def test_one_that_is_not_whole_is_told_in_one_line(run, both, breaking, said):
    breaking(both)
    for how in ((), ("--json",)):
        done = run("inspect", both, *how)
        assert (done.code, done.out) == (2, "")
        assert len(done.err.splitlines()) == 1
        assert said in done.err


def test_a_file_that_was_cut_off_is_told(run, both):
    path = both / "index.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = run("inspect", both)
    assert done.code == 2
    assert "index.sqlite: is damaged" in done.error


def test_it_is_looked_at_while_another_writes(run, words):
    with contextlib.closing(sqlite3.connect(words / "index.sqlite")) as writer:
        writer.execute("begin immediate")
        writer.execute("delete from rows")
        assert run("inspect", words, "--json").json["rows"] == 5
