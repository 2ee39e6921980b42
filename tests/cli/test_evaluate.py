"""`glossator evaluate` and `glossator compare`: labelled rows against one model or two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_scores_of_a_table(run, model):
    done = run("evaluate", model, "tickets.csv")
    assert done.code == 0
    for said in (
        "Classes, weakest first",
        "Scores on 36 rows, 0 rejected",
        "95% interval",
        "Macro F1",
    ):
        assert said in done.out


def test_the_object_for_programs(run, model, table):
    name = table("message,intent\ncard,card\n ,pin\npin,pin\nx\n")
    done = run("evaluate", model, name, "--json")
    assert done.err == ""
    assert done.json.keys() == {"task", "rows", "metrics"}
    assert done.json["rows"] == {"read": 4, "used": 2, "rejected": 2}
    assert {"accuracy", "accuracy_ci", "macro_f1", "ece", "log_loss"} <= done.json["metrics"].keys()


def test_it_agrees_with_predict(run, model):
    run("predict", model, "tickets.csv", "--output", "a.jsonl")
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    share = sum(x["prediction"]["label"] == x["intent"] for x in rows) / len(rows)
    found = run("evaluate", model, "tickets.csv", "tickets.csv", "--json").json
    assert found["metrics"]["accuracy"] == pytest.approx(share)
    assert found["rows"]["used"] == 72


def test_labels_that_training_had_not_are_counted_and_named(run, model, table):
    name = table("message,intent\ncard,card\nhello,greeting\nbye,greeting\npin,[red]\n")
    done = run("evaluate", model, name)
    assert done.code == 0
    assert "3 rows with a label that the model does not have" in done.err
    assert "'greeting' (2), '[red]' (1)" in done.err
    found = run("evaluate", model, name, "--json").json
    assert found["metrics"]["unknown_labels"] == 3
    assert found["metrics"]["accuracy"] <= 0.25
    (finding,) = found["findings"]
    assert (finding["kind"], finding["severity"]) == ("unknown_label", "warning")
    assert (finding["count"], finding["examples"]) == (3, ["greeting", "[red]"])
    assert finding["message"].endswith("counted as wrong: 'greeting' (2), '[red]' (1)")


def test_rejected_rows_are_named(run, model, table):
    done = run("evaluate", model, table("message,intent\ncard,card\nragged\n"))
    assert "table.csv:3: expected 2 fields" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "tickets-model", "new.csv"], "column 'intent' is not in new.csv"),
        (["evaluate", "tickets-model", "no.csv"], "no.csv: there is no such file"),
        (["evaluate", "nothing", "tickets.csv"], "nothing does not exist"),
        (["evaluate", "tickets.csv", "tickets.csv"], "tickets.csv is a file"),
        (["evaluate", "tickets-model", "folder.csv"], "folder.csv: is a folder"),
        (["compare", "tickets-model", "nothing", "tickets.csv"], "nothing does not exist"),
        (["compare", "tickets-model", "tickets-model"], "TABLES"),
    ],
)
def test_what_is_not_there_is_named(run, here, model, words, said):
    (here / "folder.csv").mkdir()
    done = run(*words)
    assert done.code == 2
    assert said in done.error


def test_no_row_to_score_is_an_error(run, model, table):
    done = run("evaluate", model, table("message,intent\n ,card\n"))
    assert done.code == 2
    assert "no row can be scored" in done.error


def test_a_model_is_not_better_than_itself(run, model):
    done = run("compare", model, model, "tickets.csv")
    assert done.code == 0
    assert "by luck: p = 1" in done.out
    assert done.out.splitlines()[-1].startswith("Both answer alike where it counts")
    found = run("compare", model, model, "tickets.csv", "--json").json
    assert found["mcnemar"] == {"only_a": 0, "only_b": 0, "p_value": 1.0}


def test_a_real_difference_is_told_from_luck(run, fit, model, table):
    rows = [["message", "intent"], *[[f"card {i}", "card"] for i in range(40)]]
    rows += [[f"pin {i}", "pin"] for i in range(40)]
    name = table(rows)
    wrong = [rows[0], *[[text, {"card": "pin", "pin": "card"}[label]] for text, label in rows[1:]]]
    words = ("--epochs", "12", "--learning-rate", "3e-3")
    fit(name, "--output", "right", *words)
    fit(table(wrong, "wrong.csv"), "--output", "wrong", *words)
    done = run("compare", "wrong", "right", name)
    assert "The difference is real: right is better than wrong." in done.out
    few = table(rows[:3], "few.csv")
    assert "may be luck" in run("compare", "wrong", "right", few).out
    found = run("compare", "wrong", "right", name, "--json").json
    assert found["rows"] == 80
    assert found["accuracy"]["difference"] > 0.5
    assert found["mcnemar"]["p_value"] < 1e-6


def test_how_a_table_was_read_is_told(run, model, table):
    name = table("message;intent\n" + "card;card\npin;pin\n" * 5)
    for words in (("evaluate", model), ("compare", model, model)):
        done = run(*words, name)
        assert done.code == 0, done.err
        assert "separator: ';' (semicolon), found from the file" in done.err
