"""A table of intents with slots through every verb, its broken rows told by file and line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

FIT = ("--model", "tiny", "--epochs", "3", "--batch-size", "8", "--learning-rate", "3e-3")
BROKEN = [
    ({"tokens": ["the", "film"], "tags": ["O"], "intent": "play"}, "uneven"),
    ({"tokens": ["the", "film"], "tags": ["O", "Q"], "intent": "play"}, "not_a_tag"),
    ({"tokens": ["the", "film"], "tags": ["O", "O"], "intent": " "}, "empty_intent"),
    ({"tokens": 4, "tags": ["O"], "intent": "play"}, "not_a_list"),
]


@pytest.fixture
def frames(here):
    draw, rows = random.Random(0), []
    for _ in range(60):
        thing, intent = draw.choice([("film", "play"), ("card", "send"), ("market", "send")])
        rows.append({
            "tokens": ["the", thing, "week", draw.choice(["was", "the", "and"])],
            "tags": ["O", f"B-{intent}ed", f"I-{intent}ed", "O"],
            "intent": intent,
        })  # fmt: skip
    lines = [json.dumps(row) for row in [*rows, *(row for row, _ in BROKEN)]]
    Path("frames.jsonl").write_text("\n".join(lines) + "\n")
    return "frames.jsonl"


def test_it_goes_through_every_verb(run, frames):
    looked = run("inspect", frames).out
    assert "intent-slots reads tokens from tokens, intent from intent, tags from tags" in looked
    assert f"{frames}:61: there are 2 words and 1 tags" in looked
    done = run("fit", frames, *FIT, "--output", "m", "--json")
    assert done.code == 0, done.err
    assert done.json["task"] == "intent-slots"
    assert done.json["rows"]["rejected"] == len(BROKEN)
    told = [json.loads(x) for x in Path("m.run/rejected.jsonl").read_text().splitlines()]
    found = [(x["kind"], x["line"]) for x in told]
    assert found == [(kind, number) for number, (_, kind) in enumerate(BROKEN, start=61)]
    assert all(x["source"].endswith(frames) for x in told)
    page = Path("m.run/report.html").read_text()
    assert "Frames by what is wrong" in page
    assert "slots of 2 labels" in Path("m/README.md").read_text()

    Path("texts.txt").write_text("the film week was\nthe card week\n")
    done = run("predict", "m", "texts.txt", "--format", "text", "--top-k", "1", "--output", "-")
    rows = [json.loads(line) for line in done.out.splitlines()]
    for row in rows:
        answer = row["prediction"]
        assert answer.keys() == {"label", "score", "labels", "entities", "n_tokens", "windows"}
        assert answer["labels"] == [{"label": answer["label"], "score": answer["score"]}]
        for slot in answer["entities"]:
            assert row["text"][slot["start"] : slot["end"]] == slot["text"]

    scored = run("evaluate", "m", frames, "--json").json
    assert scored["rows"] == {"read": 64, "used": 60, "rejected": 4}
    scores = scored["metrics"]
    assert 0 <= scores["frame_accuracy"] <= scores["intent_accuracy"] <= 1
    compared = run("compare", "m", "m", frames, "--json").json
    assert compared["frame_accuracy"]["difference"] == 0


def test_its_tags_alone_are_another_task_by_name(run, frames):
    options = ("--task", "token-classification", "--output", "m", "--json")
    assert run("fit", frames, *FIT, *options).json["task"] == "token-classification"


def test_an_option_of_others_is_refused(run, frames):
    done = run("fit", frames, *FIT, "--output", "m", "--decoder", "spans")
    assert done.code == 2
    assert "decoder" in done.error
    assert "tags, crf" in done.error
    assert not Path("m").exists()
