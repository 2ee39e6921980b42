"""`glossator predict`: rows in, answers out, in order, whatever the rows hold."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from sheets import write_xlsx

from glossator.cli import answering
from glossator.runs.meter import Meter

SRC = Path(__file__).parents[2] / "src"


def answers(path: str = "answers.jsonl") -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))


def test_an_answer_for_every_row_with_its_columns(run, model):
    done = run("predict", model, "new.csv", "--output", "answers.jsonl")
    assert (done.code, done.out) == (0, "")
    assert "7 rows, 0 of them failed" in done.err
    found = answers()
    assert [x["id"] for x in found] == [f"0{i}" for i in range(7)]
    prediction = found[0]["prediction"]
    assert prediction.keys() == {"label", "score", "labels", "n_tokens", "windows"}
    assert prediction["label"] in {"card", "pin", "fee"}
    assert len(prediction["labels"]) == 3


def test_answers_on_standard_output(run, model):
    done = run("predict", model, "new.csv", "--top-k", "1", "--output", "-")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [len(x["prediction"]["labels"]) for x in lines] == [1] * 7
    assert "7 rows" in done.err


def test_rows_that_cannot_be_answered_keep_their_place(run, model, table):
    text = "message,n\ncard,1\n ,2\nragged\na\0b,4\n\x1b\u200b,5\npin,6\n"
    done = run("predict", model, table(text), "--output", "answers.jsonl")
    assert done.code == 0
    assert "6 rows, 4 of them failed" in done.err
    found = answers()
    kinds = [x["error"]["kind"] if x["prediction"] is None else None for x in found]
    assert kinds == [None, "empty_text", "ragged", "nul", "empty_text", None]
    assert [x["error"]["line"] for x in found if "error" in x] == [3, 4, 5, 6]
    assert found[1]["n"] == "2"


def test_the_answers_do_not_depend_on_the_chunks(run, model, table, monkeypatch):
    lines = "".join(f"card {i},{i}\n" + (",e\n" if i % 5 == 0 else "") for i in range(23))
    name = table("message,n\n" + lines)
    run("predict", model, name, "--output", "whole.jsonl")
    monkeypatch.setattr(answering, "CHUNK", 4)
    run("predict", model, name, "--output", "parts.jsonl")
    assert len(answers("whole.jsonl")) == 28
    whole, parts = answers("whole.jsonl"), answers("parts.jsonl")
    assert [x["n"] for x in whole] == [x["n"] for x in parts]
    for a, b in zip(whole, parts, strict=True):
        if a["prediction"]:
            assert a["prediction"]["score"] == pytest.approx(b["prediction"]["score"], abs=1e-5)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.parquet"])
def test_the_suffix_says_how(run, model, name):
    assert run("predict", model, "new.csv", "--output", name).code == 0
    if name == "a.parquet":
        rows = pyarrow.parquet.read_table(name).to_pylist()
        assert [x["id"] for x in rows] == [f"0{i}" for i in range(7)]
        return
    data = Path(name).read_bytes()
    text = (gzip.decompress(data) if name.endswith("gz") else data).decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if "tsv" in name else ","))
    assert [x["id"] for x in rows] == [f"0{i}" for i in range(7)]
    assert {x["prediction_label"] for x in rows} <= {"card", "pin", "fee"}


def test_one_text_a_line_from_standard_input(run, model, monkeypatch):
    feed(monkeypatch, 'card, "pin"\n\n费用\r\n'.encode())
    done = run("predict", model, "-", "--format", "text")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [x["text"] for x in found] == ['card, "pin"', "", "费用"]
    assert [x["prediction"] is None for x in found] == [False, True, False]


def test_json_lines_from_standard_input(run, model, monkeypatch):
    bad = b'{"message": "\\ud800", "n": 2}\n{"message": 3}\nnot json\n{"n": 5}\n{"message": null}\n'
    feed(monkeypatch, b'{"message": "card", "n": [1]}\n' + bad)
    done = run("predict", model, "-")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    kinds = [x["error"]["kind"] if x["prediction"] is None else None for x in found]
    assert kinds == [None, "lone_surrogate", None, "bad_json", "missing_column", "not_text"]
    assert found[0]["n"] == [1]


def test_a_text_of_ten_megabytes(run, model, table):
    word = "x" * 199 + " "  # one unknown token
    name = table("message\n" + word * 50_000 + "\npin\n")
    done = run("predict", model, name, "--output", "answers.jsonl")
    assert done.code == 0
    first, second = (x["prediction"] for x in answers())
    assert first["n_tokens"] == 50_000
    assert first["windows"] > 1_000
    assert second["windows"] == 1


def test_a_long_text_is_told_window_by_window(run, model, table, monkeypatch):
    drawn = []

    class Told(Meter):
        def draw(self, done, detail):
            drawn.append((done, detail))

    monkeypatch.setattr(answering, "meter", lambda *_: Told())
    name = table("message\n" + "card " * 20_000 + "\n")
    assert run("predict", model, name, "--output", "a.jsonl").code == 0
    total = answers("a.jsonl")[0]["prediction"]["windows"]
    told = [detail for done, detail in drawn if done == 0]
    assert len(told) > 3
    assert told[-1] == f"window {total:,} of {total:,}"
    assert all(detail.endswith(f" of {total:,}") for detail in told)


def test_a_text_of_too_many_windows_is_refused_in_its_place(run, model, table):
    name = table("message\ncard\n" + "card " * 2_000 + "\n \npin\n")
    words = ["predict", model, name, "--output", "a.jsonl"]
    done = run(*words, "--max-windows", "10")
    assert done.code == 0
    assert "4 rows, 2 of them failed" in done.err
    kinds = [x["error"]["kind"] if x["prediction"] is None else None for x in answers("a.jsonl")]
    assert kinds == [None, "too_many_windows", "empty_text", None]
    error = answers("a.jsonl")[1]["error"]
    assert error["line"] == 3
    assert error["message"].endswith("windows; expected at most 10")
    assert run(*words, "--overwrite").code == 0
    assert answers("a.jsonl")[1]["prediction"]["windows"] > 10
    from glossator import load
    from glossator.errors import TextError

    with pytest.raises(TextError, match=r"text 1: .* windows; expected at most 10"):
        load(model).predict(["pin", "card " * 2_000], max_windows=10)


def test_the_summary_for_programs(run, model):
    done = run("predict", model, "new.csv", "--output", "a.jsonl", "--json")
    assert done.json["rows"] == {"read": 7, "used": 7, "rejected": 0}
    assert done.json["output"] == "a.jsonl"
    assert done.err == ""
    refused = run("predict", model, "new.csv", "--json")
    assert refused.code == 2
    assert "--output" in json.loads(refused.err)["error"]["message"]


def test_a_piped_csv_without_a_format_is_refused(run, model, monkeypatch):
    feed(monkeypatch, b"message,n\ncard,1\npin,2\n")
    done = run("predict", model, "-", "--output", "a.jsonl")
    assert done.code == 2
    assert "--format csv" in done.error
    assert not Path("a.jsonl").exists()
    feed(monkeypatch, b"message,n\ncard,1\npin,2\n")
    assert run("predict", model, "-", "--format", "csv", "--output", "a.jsonl").code == 0


def test_where_every_row_failed_it_says_so_and_why(run, model, table):
    name = table("message,n\n ,1\nragged\n")
    done = run("predict", model, name, "--output", "a.jsonl")
    assert done.code == 1
    assert done.error == (
        "error: table.csv:2: the text is empty; 2 rows, and none could be answered"
    )
    assert [x["error"]["kind"] for x in answers("a.jsonl")] == ["empty_text", "ragged"]
    done = run("predict", model, name, "--output", "b.jsonl", "--json")
    assert done.code == 1
    assert json.loads(done.err)["error"]["line"] == 2
    assert done.json["rows"]["used"] == 0


@pytest.mark.parametrize("output", ["a.jsonl", "a.csv", "a.parquet"])
def test_several_tables_are_answered_in_order_with_the_source_of_each_row(
    run, model, table, output
):
    table("n,message\n1,pin\n2, \n", "b.csv")
    table('{"message": "fee", "extra": "x"}\n', "c.jsonl")
    done = run("predict", model, "new.csv", "b.csv", "c.jsonl", "--output", output)
    assert done.code == 0, done.err
    assert "10 rows, 1 of them failed" in done.err
    if output.endswith("parquet"):
        found = pyarrow.parquet.read_table(output).to_pylist()
    elif output.endswith("csv"):
        found = list(csv.DictReader(io.StringIO(Path(output).read_text())))
    else:
        found = answers(output)
    assert [x["source"] for x in found] == ["new.csv"] * 7 + ["b.csv"] * 2 + ["c.jsonl"]
    assert [x["message"] for x in found][6:] == ["card 6", "pin", " ", "fee"]
    assert found[7]["n"] == "1"
    assert found[9]["extra"] == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("mesage\ncard\n", "column 'message' is not in table.csv"),
        ("message,source\ncard,a\n", "table.csv: with several tables, column 'source'"),
    ],
)
def test_one_of_several_tables_that_does_not_fit_is_named(run, model, table, content, said):
    done = run("predict", model, "new.csv", table(content), "--output", "a.jsonl")
    assert done.code == 2
    assert said in done.error
    assert not Path("a.jsonl").exists()


def test_an_output_that_exists_is_kept(run, model, here):
    (here / "mine.jsonl").write_text("mine")
    done = run("predict", model, "new.csv", "--output", "mine.jsonl")
    assert done.code == 2
    assert done.error == "error: mine.jsonl exists; --overwrite replaces it"
    assert (here / "mine.jsonl").read_text() == "mine"
    assert run("predict", model, "new.csv", "--output", "mine.jsonl", "--overwrite").code == 0
    assert len(answers("mine.jsonl")) == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("mesage\ncard\n", "it has: mesage; did you mean 'mesage'?"),
        ("message,error\ncard,x\n", "the input column 'error'"),
        ("message,prediction\ncard,x\n", "column 'prediction'"),
        ("", "the file is empty"),
        ('message\n"card\n', ":2: a quote"),
    ],
)
def test_a_table_that_cannot_be_answered_leaves_no_output(run, model, table, content, said):
    done = run("predict", model, table(content), "--output", "a.jsonl")
    assert done.code == 2
    assert said in done.error
    assert not Path("a.jsonl").exists()


def test_a_header_alone_gives_no_answers(run, model, table):
    done = run("predict", model, table("message\n"), "--output", "a.csv")
    assert done.code == 0
    assert Path("a.csv").read_text().startswith("message,")


def test_an_encoder_is_no_classifier(run, here):
    done = run("predict", "tiny", "new.csv")
    assert done.code == 2
    assert "tiny" in done.error


def test_other_columns_can_be_named(run, model, table):
    name = table("title,body\na,card\nb,pin\n")
    done = run("predict", model, name, "--text", "title,body")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [x["prediction"]["n_tokens"] for x in found] == [2, 2]


@pytest.mark.usefixtures("ray_cluster")  # beside which `local` begins another
def test_on_ray_the_answers_are_the_same_and_in_order(run, model):
    rows = [{"message": f"{('card', 'pin')[i % 2]} number {i}", "n": i} for i in range(5000)]
    rows[7]["message"], rows[11]["message"] = " ", "lone \ud800"
    Path("many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["predict", model, "many.jsonl", "--threads", "1", "--output"]
    assert run(*words, "plain.jsonl").code == 0
    # In a process of its own, since Ray writes to standard error itself.
    program = [sys.executable, "-m", "glossator", *words, "spread.jsonl"]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [*program, "--ray", "local", "--workers", "2"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "5,000 rows" in done.stderr
    assert "Traceback" not in done.stderr
    plain, spread = answers("plain.jsonl"), answers("spread.jsonl")
    assert [row.get("n") for row in spread] == [row.get("n") for row in plain]
    assert [row.get("error") for row in spread] == [row.get("error") for row in plain]
    labels = [[(row["prediction"] or {}).get("label") for row in x] for x in (plain, spread)]
    assert labels[0] == labels[1]
    assert len(spread) == 5000


def test_what_ray_cannot_do_is_said(run, model):
    done = run("predict", model, "new.csv", "--workers", "2")
    assert done.code == 2
    assert "--workers asks for --ray" in done.error
    done = run("predict", model, ".", "--ray", "local")
    assert done.code == 2


def test_the_columns_of_a_spreadsheets_table_come_out_unchanged(run, model, table):
    name = table(";Message;note\n7;where is my card;1,5\n")
    done = run("predict", model, name)
    assert done.code == 0
    answer = json.loads(done.out)
    assert {k: answer[k] for k in list(answer)[:3]} == {
        "index": "7",
        "Message": "where is my card",
        "note": "1,5",
    }
    assert "separator: ';'" in done.err


def test_a_workbook_in_and_none_out(run, model, here):
    write_xlsx(here / "new.xlsx", {"Data": [["id", "message", "intent"], [7, "card", "card"]]})
    assert run("predict", model, "new.xlsx", "--output", "a.jsonl").code == 0
    (row,) = map(json.loads, Path("a.jsonl").read_text().splitlines())
    assert (row["id"], row["message"]) == ("7", "card")
    assert run("evaluate", model, "new.xlsx", "--json").json["rows"]["used"] == 1
    assert run("compare", model, model, "new.xlsx").code == 0
    done = run("predict", model, "new.csv", "--output", "a.xlsx")
    assert done.code == 2
    assert "a.xlsx: answers are not written to such a file" in done.error


def test_a_folder_of_texts(run, model, here):
    for name in ("card/2.txt", "card/10.txt", "fee/1.txt"):
        (here / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "texts" / name).write_text(f"my {name[:4]}")
    done = run("predict", model, "texts", "texts/fee")
    assert done.code == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["source"], row["file"], row.get("label")) for row in rows] == [
        ("texts/card/10.txt", "card/10.txt", "card"),
        ("texts/card/2.txt", "card/2.txt", "card"),
        ("texts/fee/1.txt", "fee/1.txt", "fee"),
        ("texts/fee/1.txt", "1.txt", None),
    ]
    assert all(row["prediction"]["label"] for row in rows)
    words = ["--text", "text", "--label", "label"]
    assert run("evaluate", model, "texts", *words, "--json").json["rows"]["used"] == 3


def test_labels_that_are_numbers_are_written_as_numbers(run, here):
    rows = [{"text": f"text {number}", "label": number % 2} for number in range(40)]
    (here / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    words = ["--model", "tiny", "--epochs", "1", "--output", "m"]
    assert run("fit", "a.jsonl", *words).code == 0
    first = json.loads(run("predict", "m", "a.jsonl").out.splitlines()[0])["prediction"]
    assert type(first["label"]) is int
    assert {type(x["label"]) for x in first["labels"]} == {int}
    for name in ("b.csv", "b.parquet"):
        assert run("predict", "m", "a.jsonl", "--output", name).code == 0
    (row, *_) = csv.DictReader((here / "b.csv").read_text().splitlines())
    assert row["prediction_label"] == str(first["label"])
    table = pyarrow.parquet.read_table("b.parquet")
    assert table["prediction"].type.field("label").type == pyarrow.int64()
    found = run("evaluate", "m", "a.jsonl", "--json").json["metrics"]
    assert found["unknown_labels"] == 0
