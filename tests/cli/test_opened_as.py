"""`--task` of `predict`, `evaluate` and `compare`: a folder as what it was not trained for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

ZERO = ("--task", "zero-shot-classification", "--text", "message")
LABELS = (
    "--labels",
    "card=where is my new card,pin=how do i change the pin,fee=why did you charge a fee",
)


def test_a_table_is_answered_by_labels_that_nothing_learned(run, here):
    done = run("predict", "tiny", "tickets.csv", *ZERO, *LABELS, "--output", "found.jsonl")
    assert done.code == 0
    assert "tiny is opened as zero-shot-classification" in done.err
    assert "not calibrated" in done.err
    found = [json.loads(line) for line in Path("found.jsonl").read_text().splitlines()]
    assert len(found) == 36
    assert found[0]["prediction"].keys() == {"label", "score", "labels", "n_tokens", "windows"}
    assert {x["prediction"]["label"] for x in found} <= {"card", "pin", "fee"}


def test_labels_and_examples_come_from_files(run, here, table):
    table('"where, my card" = "where is my new card"\npin = ""\n', "labels.toml")
    table('message,label\nthe card,"where, my card"\nthe pin,pin\n', "few.csv")
    done = run(
        "predict", "tiny", "new.csv", *ZERO, "--labels", "labels.toml", "--examples", "few.csv"
    )
    assert done.code == 0
    assert "calibrated on 2 labelled rows" in done.err
    labels = {json.loads(line)["prediction"]["label"] for line in done.out.splitlines()}
    assert labels <= {"where, my card", "pin"}


def test_rows_with_labels_are_scored_and_models_compared(run, here):
    words = ("tickets.csv", *ZERO, *LABELS, "--label", "intent", "--json")
    done = run("evaluate", "tiny", *words)
    assert done.code == 0
    assert done.json["task"] == "zero-shot-classification"
    assert {"accuracy", "macro_f1", "log_loss"} <= done.json["metrics"].keys()
    done = run("compare", "tiny", "tiny", *words)
    assert done.code == 0
    assert done.json["accuracy"]["difference"] == 0


def test_any_encoder_has_vectors(run, here):
    done = run("predict", "tiny", "new.csv", "--task", "feature-extraction", "--text", "message")
    assert done.code == 0
    assert all(len(json.loads(x)["prediction"]["embedding"]) == 32 for x in done.out.splitlines())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "zero-shot-classification asks for --labels"),
        (("--labels", "a"), "--labels has one label, 'a'"),
        (("--labels", "a,a"), "label 'a' stands 2 times in --labels"),
        (("--labels", "a,"), "label 2 of --labels is empty"),
        (("--labels", "none.toml"), "none.toml: no such file"),
        (("--labels", "none.csv"), "none.csv"),
        (("--labels", "a,b", "--examples", "none.csv"), "none.csv"),
        (("--labels", "a,b", "--examples", "new.csv"), "column 'label' is not in new.csv"),
        (("--labels", "a,b", "--examples", "few.csv"), "few.csv has labels that are not among"),
        (("--labels", "a,b", "--template", "x"), "expected a sentence with {} once"),
        (("--labels", "a,b", "--multi-label"), "--multi-label by vectors asks for --examples"),
        (("--labels", "a,b", "--beams", "2"), "--beams is no option of zero-shot-classification"),
    ],
)
def test_bad_input_gets_one_line_and_nothing_half_written(run, here, table, words, said):
    table("message,label\nthe card,card\n", "few.csv")
    before = sorted(here.iterdir())
    done = run("predict", "tiny", "new.csv", *ZERO, *words, "--output", "found.jsonl")
    assert done.code == 2
    assert said in done.error
    assert sorted(here.iterdir()) == before


def test_what_cannot_be_opened_so_says_what_it_is(run, model):
    done = run("predict", model, "new.csv", *ZERO, *LABELS)
    assert done.code == 2
    assert "answers text-classification, none of whose labels is called entailment" in done.error
    done = run("predict", model, "new.csv", "--task", "fill-mask")
    assert done.code == 2
    assert "fill-mask opens its own folders alone" in done.error
    done = run("predict", model, "new.csv", "--task", "text-classification", "--top-k", "1")
    assert done.code == 0  # its own


@pytest.fixture
def starter(here, monkeypatch):
    """The small model as the starter that was trained with prefixes."""
    import shutil

    monkeypatch.setenv("GLOSSATOR_CACHE", str(here / "cache"))
    return shutil.copytree(here / "tiny", here / "cache" / "starters" / "multilingual")


NOTE = "The model was trained with 'query: ' before each text and 'passage: '"


def vectors(done):
    assert done.code == 0
    return [json.loads(line)["prediction"]["embedding"] for line in done.out.splitlines()]


def test_prefixes_that_a_starter_was_trained_with_are_said_once(run, here, starter, table):
    text = "where is my card"
    table(f"message\n{text}\n", "bare.csv")
    table(f"message\nquery: {text}\n", "query.csv")
    table(f"message\npassage: {text}\n", "passage.csv")
    words = ("--task", "feature-extraction", "--text", "message")
    done = run("predict", "multilingual", "bare.csv", *words)
    assert done.err.count(NOTE) == 1
    assert '--prefix "query: "' in done.err
    plain = run("predict", "tiny", "bare.csv", *words)
    assert NOTE not in plain.err
    assert vectors(done) == vectors(plain)  # nothing was changed

    given = ("--prefix", "query: ", "--pair-prefix", "passage: ")
    done = run("predict", "multilingual", "bare.csv", *words, *given)
    assert NOTE not in done.err
    assert vectors(done) == vectors(run("predict", "tiny", "query.csv", *words))
    done = run("predict", "multilingual", "bare.csv", *words, *given, "--document")
    assert vectors(done) == vectors(run("predict", "tiny", "passage.csv", *words))


def test_inspect_says_them_of_a_starter_that_makes_vectors(run, here, starter):
    from glossator.tasks.kinds.feature_extraction.sentence_files import Told, written_files

    for name, text in written_files(Told("mean", True, 64), 32).items():
        (starter / name).parent.mkdir(exist_ok=True)
        (starter / name).write_text(text)
    done = run("inspect", "multilingual")
    assert done.code == 0
    assert done.out.count(NOTE) == 1
    done = run("predict", "multilingual", "new.csv", "--text", "message")
    assert done.err.count(NOTE) == 1


# Vectors are scored by whatever columns are named

VECTORS = ("--task", "feature-extraction")
PAIRS = [
    ["a", "b", "c", "score", "topic"],
    ["where is my new card", "the card has not arrived", "a slow film", "4.5", "card"],
    ["how do i change the pin", "the pin of my account", "the market fell", "4", "pin"],
    ["the fee is too much", "a fee for the transfer", "my card", "3.5", "fee"],
    ["a good film", "the market fell today", "the pin", "0.5", "card"],
    ["send another card", "a fee for the transfer", "a film", "1", "card"],
]


def cosines(one, other):
    from glossator.artifact.opening import load

    model = load("tiny", task="feature-extraction")
    return (model.embed(one) * model.embed(other)).sum(axis=1)


def test_pairs_with_numbers_are_scored_by_their_order(run, here, table):
    name = table(PAIRS, "pairs.csv")
    columns = ("--text", "a", "--text-pair", "b", "--label", "score")
    done = run("evaluate", "tiny", name, *VECTORS, *columns, "--json")
    assert done.code == 0, done.err
    assert done.json["rows"] == {"read": 5, "used": 5, "rejected": 0}
    a, b, _, score, _ = zip(*PAIRS[1:], strict=True)
    found = cosines(a, b).argsort().argsort()
    wanted = np.array(score, float).argsort().argsort()
    assert done.json["metrics"]["spearman"] == pytest.approx(np.corrcoef(found, wanted)[0, 1])
    done = run("evaluate", "tiny", name, *VECTORS, *columns)
    assert "scored by text from a; text_pair from b; label from score" in done.err
    done = run("compare", "tiny", "tiny", name, *VECTORS, *columns)
    assert done.code == 0, done.err
    assert "Both answer alike where it counts" in done.out


@pytest.mark.parametrize(
    ("columns", "metrics"),
    [
        (("--text", "a", "--text-pair", "b"), {"mrr", "recall_at_1", "recall_at_10"}),
        (("--text", "a", "--text-pair", "b", "--negative", "c"), {"mrr", "recall_at_1"}),
        (("--text", "a", "--label", "topic"), {"accuracy", "mrr"}),
        (("--text", "a"), {"uniformity"}),
    ],
)
def test_what_is_named_says_what_is_scored(run, table, columns, metrics):
    done = run("evaluate", "tiny", table(PAIRS), *VECTORS, *columns, "--json")
    assert done.code == 0, done.err
    assert metrics <= done.json["metrics"].keys()


def test_where_nothing_is_named_the_usual_names_say_it(run, table):
    name = table([["text", "text_pair", "label"], *(row[:2] + row[3:4] for row in PAIRS[1:])])
    assert "spearman" in run("evaluate", "tiny", name, *VECTORS, "--json").json["metrics"]
    name = table([["text", "label"], *(row[:1] + row[4:] for row in PAIRS[1:])])
    assert "accuracy" in run("evaluate", "tiny", name, *VECTORS, "--json").json["metrics"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("--text", "a", "--text-pair", "x"), "column 'x' is not in table.csv; it has: a, b, c"),
        (("--text-pair", "b", "--label", "score"), "column 'text' is not in table.csv"),
        (
            ("--text", "a", "--label", "topic", "--negative", "c"),
            "feature-extraction reads no rows with --text --label --negative; it reads: --text --",
        ),
        (("--text", "a", "--tags", "b"), "feature-extraction reads no column --tags"),
        (("--text", "a", "--text-pair", "a"), "--text and --text-pair are both a"),
        (("--text", "a", "--label", "a"), "column 'a' is what is learned (--label), and among"),
        (("--text", "a", "--text-pair", "b", "--label", "topic"), "no row can be scored"),
    ],
)
def test_columns_that_say_nothing_together_are_refused(run, table, columns, said):
    done = run("evaluate", "tiny", table(PAIRS), *VECTORS, *columns)
    assert done.code == 2
    assert said in done.error
    assert done.out == ""


def test_a_task_that_learned_its_columns_is_scored_as_before(run, model, table):
    done = run("evaluate", model, "tickets.csv")
    assert "scored by" not in done.err
    done = run("evaluate", model, "tickets.csv", "--negative", "x")
    assert "text-classification reads no column --negative" in done.error
