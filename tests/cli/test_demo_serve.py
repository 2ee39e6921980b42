"""`glossator demo serve`: a model is learned, or taken, and answers over HTTP."""

from __future__ import annotations

import signal
import subprocess

import pytest

pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")

from glossator.cli import demo_serve
from glossator.errors import GlossatorError

TOPICS = {"sports": "team won match league", "business": "market shares company fell"}


@pytest.fixture
def news(here, monkeypatch, tiny_model_folder, table):
    """A cache of its own with documents, and the tiny encoder as `minilm`."""
    rows = [["text", "label"]]
    for number in range(60):
        for topic, words in TOPICS.items():
            rows.append([f"{words}\n\n{words} {number}\n\na third line", topic])
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    path = here / table(rows, "bbc-news.csv")
    monkeypatch.setattr("glossator.text.samples.locate", lambda name: path)
    monkeypatch.setattr("glossator.models.starter.locate", lambda *_, **__: tiny_model_folder)
    return here


def test_it_learns_serves_answers_and_ends(run, news):
    first = run("demo", "serve", "--json")
    assert first.code == 0
    assert first.json["models"] == ["news"]
    assert [x["label"] in TOPICS for x in first.json["predictions"]] == [True] * 3
    openings = (news / "cache" / "demo" / "news-openings.csv").read_text()
    assert "third" not in openings
    manifest = (news / "demo-serve" / "manifest.json").read_bytes()
    second = run("demo", "serve")
    assert second.code == 0
    assert "curl http://127.0.0.1:" in second.out
    assert (news / "demo-serve" / "manifest.json").read_bytes() == manifest


def test_a_folder_of_the_user_is_kept(run, news):
    (news / "demo-serve").mkdir()
    (news / "demo-serve" / "letter.txt").write_text("dear")
    assert run("demo", "serve").code == 2
    assert (news / "demo-serve" / "letter.txt").read_text() == "dear"


def test_a_server_that_does_not_start_says_why(here):
    serving = demo_serve._serving(here / "absent", here / "keys.toml")
    with pytest.raises(GlossatorError, match="did not start"), serving:
        pass


def test_what_is_served_is_told_to_end_also_where_asking_fails(here, monkeypatch):
    told = []

    class Process(subprocess.Popen):
        def send_signal(self, number):
            told.append((self, number))
            super().send_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(demo_serve, "_address", lambda process: "http://127.0.0.1:1")
    serving = demo_serve._serving(here / "absent", here / "keys.toml")
    with pytest.raises(ZeroDivisionError), serving:
        raise ZeroDivisionError
    ((process, number),) = told
    assert number == signal.SIGTERM
    assert process.returncode is not None
