"""`glossator inspect`: what a table or a model folder is, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sheets import write_xlsx


@pytest.fixture(autouse=True)
def no_starters(tmp_path, monkeypatch):
    """Token counts only where a test asks for them."""
    monkeypatch.setenv("GLOSSATOR_CACHE", str(tmp_path / "cache"))


def test_a_table(run, here):
    done = run("inspect", "tickets.csv", "--text", "message", "--label", "intent")
    assert done.code == 0
    for said in ("columns message, intent", "36 rows read, 36 used", "3 labels", "33.3%"):
        assert said in done.out


def test_columns_are_guessed_where_they_are_plain(run, table):
    said = "text-classification reads text from text, label from label"
    assert said in run("inspect", table("label,text\na,b\n")).out
    said = "text from words; nothing to learn from"
    assert said in run("inspect", table("words\nb\nc\n")).out
    done = run("inspect", table("a,b\n1,2\n"))
    assert done.code == 2
    assert "name it with --text; there are: a, b" in done.error


def test_a_sheet(run, here):
    write_xlsx(
        here / "a.xlsx", {"Data": [["text", "label"], ["card", 1], ["fee", 2]], "More": [[1]]}
    )
    done = run("inspect", "a.xlsx")
    assert done.code == 2
    assert done.error == (
        "error: a.xlsx: 2 sheets have rows; name one with --sheet; there are: Data, More"
    )
    found = run("inspect", "a.xlsx", "--sheet", "Data", "--json").json
    assert found["columns"] == ["text", "label"]
    assert found["counts"] == {"1": 1, "2": 1}


def test_a_folder_of_texts_or_of_a_model(run, here, model):
    for name in ("card/1.txt", "card/2.txt", "fee/1.txt"):
        (here / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "texts" / name).write_text(f"a text of {name}")
    found = run("inspect", "texts", "--json").json
    assert (found["kind"], found["counts"]) == ("table", {"card": 2, "fee": 1})
    (here / model / "vocab.txt").write_text("card")
    assert run("inspect", model, "--json").json["kind"] == "model"
    done = run("fit", "texts/card", "--model", "tiny")
    assert done.error == "error: column 'label' is not in texts/card; it has: text, file"
    done = run("inspect", here)
    assert done.code == 0  # its folders hold texts
    (here / "nothing").mkdir()
    assert "no config.json; nor is it a table" in run("inspect", "nothing").error


def test_what_is_wrong_is_said(run, table):
    lines = "\ufefftext,label\ncard,a\ncard,b\n ,a\nx\nfee,A\n"
    done = run("inspect", table(lines))
    for said in (
        "byte order mark",
        "5 rows read, 3 used, 2 rejected",
        "table.csv:5",
        "more than one answer",
        "differ only in case",
    ):
        assert said in done.out


def test_the_object_of_a_table(run, table):
    found = run("inspect", table("text,label\ncard,a\nfee,b\nx\n"), "--json").json
    assert found["rows"] == {"read": 3, "used": 2, "rejected": 1}
    assert found["task"] == "text-classification"
    assert found["read"] == {"text": ["text"], "label": ["label"]}
    assert found["counts"] == {"a": 1, "b": 1}
    assert {"rows", "ragged", "classes"} <= {x["kind"] for x in found["findings"]}


def test_tokens_are_counted_where_a_starter_is_here(run, here, tiny_model_folder, monkeypatch):
    monkeypatch.setattr("glossator.cli.inspect_table.locate", lambda name: tiny_model_folder)
    done = run("inspect", "tickets.csv", "--text", "message", "--label", "intent")
    assert "tokens counted as minilm does" in done.out
    assert "tokens a text: median" in done.out


def test_a_model_folder(run, model):
    done = run("inspect", model)
    assert done.code == 0
    for said in (
        "tickets-model: Reads a text and says which of 3 classes it belongs to.",
        "of the family bert",
        "every file is the one that manifest.json names",
        "text-classification, trained from",
        "message (text) and intent (label)",
        "Accuracy on test rows",
        "3 labels: card, fee, pin",
        "torch 2.",
    ):
        assert said in done.out


def test_the_object_of_a_model_folder(run, model):
    found = run("inspect", model, "--json").json
    assert found["kind"] == "model"
    assert found["labels"] == ["card", "fee", "pin"]
    assert found["verified"] is True
    assert found["metrics"]["test"]["accuracy"] >= 0


def test_an_encoder_of_another_tool(run, here):
    done = run("inspect", "tiny")
    assert done.code == 0
    assert "An encoder, to be fine-tuned." in done.out
    assert "of the family bert" in done.out
    assert "no manifest.json" in done.out


def test_a_changed_file_is_named(run, model):
    path = Path(model, "tokenizer.json")
    path.write_text(path.read_text() + " ")
    done = run("inspect", model)
    assert done.code == 2
    assert "tokenizer.json was changed" in done.error


def test_a_folder_of_anything_else(run, here):
    (here / "empty").mkdir()
    done = run("inspect", "empty", "--json")
    assert done.code == 2
    assert json.loads(done.err)["error"]["kind"] == "model_folder"


def test_how_a_table_is_written_is_said(run, table):
    done = run("inspect", table("Text;LABEL\ncard, red;a\nfee;b\n"))
    for said in (
        "separator: ';' (semicolon), found from the file",
        "quotes: may stand round a field",
        "encoding: UTF-8",
        "header: the first line",
        "column 'Text' is read as 'text'",
        "2 rows read, 2 used",
    ):
        assert said in done.out
    lines = "a;card\nb;fee\n"
    done = run("inspect", table(lines), "--columns", "label,text", "--delimiter", ";")
    assert "reads text from text, label from label" in done.out
    assert "header: none" in done.out
    assert run("inspect", table("card\n\nfee\n", "a.txt")).code == 0


def test_how_a_table_was_read_is_told_once(run, table):
    said = run("inspect", table("text;label\n" + "card;card\npin;pin\n" * 5)).out
    assert said.count("separator: ';' (semicolon), found from the file") == 1
    assert said.count("encoding: UTF-8") == 1
