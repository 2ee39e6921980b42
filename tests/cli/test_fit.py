"""`glossator fit`: what it shows, writes and refuses."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from fit_json import ROWS, TRAIN

METRICS = {"accuracy", "macro_f1", "micro_f1", "log_loss", "roc_auc", "ece"}


def test_it_shows_what_a_newcomer_wants_to_see(fit):
    done = fit()
    assert done.code == 0
    for said in (
        "28 rows read, 28 used, 0 rejected",
        "a new",
        "epoch 1: Accuracy ",
        "% on the dev rows",
    ):
        assert said in done.err
    for said in (
        "Classes, weakest first",
        "Worst mistakes",
        "Answers for 4 test rows",
        "Scores on 4 test rows",
        "Calibration error",
        "Logits are divided by a temperature of",
        "model   tickets-model",
        "report  tickets-model.run/report.html",
    ):
        assert said in done.out
    assert Path("tickets-model/manifest.json").is_file()
    assert Path("tickets-model.run/report.html").is_file()
    assert Path("tickets-model.run").stat().st_mode & 0o777 == 0o700


def test_the_next_command_can_be_typed(fit, run, here):
    (here / "tickets.csv").rename(here / "my tickets.csv")
    done = fit("my tickets.csv", "--output", "my model")
    line = next(line for line in done.out.splitlines() if "glossator predict" in line)
    words = shlex.split(line)
    assert words[:4] == ["glossator", "predict", "my model", "my tickets.csv"]
    assert run(*words[1:]).code == 0
    assert len(Path("answers.jsonl").read_text().splitlines()) == 36


def test_the_object_for_programs(fit):
    done = fit("tickets.csv", "--json")
    found = done.json
    assert done.err == ""
    assert {"model", "task", "rows", "train", "dev", "test"} <= found.keys()
    assert (found["model"], found["task"]) == ("tickets-model", "text-classification")
    assert found["rows"].keys() == ROWS
    assert found["train"].keys() == TRAIN
    assert found["rows"]["read"] == 36 == sum(found["rows"][x] for x in ("train", "dev", "test"))
    for part in ("dev", "test"):
        assert found[part].keys() >= METRICS
        assert len(found[part]["accuracy_ci"]) == 2


def test_options_of_a_file_stand_unless_typed(fit, here):
    options = "[data]\ndev-fraction = 0.2\n[training]\nepochs = 3\nseed = 5\nlearning_rate = 1e-3\n"
    (here / "run.toml").write_text(options)
    done = fit("tickets.csv", "--config", "run.toml", "--seed", "7", "--json")
    assert (done.json["rows"]["dev"], done.json["train"]["epochs"]) == (7, 1.0)  # fit types epochs
    resolved = Path("tickets-model.run/config.toml").read_text()
    assert "seed = 7" in resolved
    assert "learning_rate = 0.001" in resolved


@pytest.mark.parametrize("by", ["flag", "file"])
def test_a_learning_rate_can_be_asked_for(fit, here, by):
    (here / "run.toml").write_text('[training]\nlearning-rate = "auto"\n')
    words = ["--learning-rate", "auto"] if by == "flag" else ["--config", "run.toml"]
    done = fit("tickets.csv", *words)
    assert done.code == 0, done.error
    assert "! learning rate " in done.err
    assert "a range test of " in done.err
    assert "the default for a model" not in done.err
    assert re.search(
        r"^learning_rate = \d", Path("tickets-model.run/config.toml").read_text(), re.M
    )


def test_the_usual_range_is_told_beside_the_default_rate(fit):
    said = "learning rate 2e-4, the default for a model 32 wide; usual are 3e-5 to 3e-4"
    assert said in fit().err
    assert "learning rate" not in fit("tickets.csv", "--learning-rate", "1e-3", "--overwrite").err


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fast", 'convert "fast" into float or auto.'),
        ("2", "--learning-rate must be between 0 and 1, or auto, got 2.0"),
    ],
)
def test_a_wrong_learning_rate_names_what_is_allowed(fit, word, said):
    done = fit("tickets.csv", "--learning-rate", word)
    assert done.code == 2
    assert said in done.error
    assert len(done.err.splitlines()) == 1


def test_a_run_can_be_repeated_from_its_resolved_config(fit, run):
    fit("tickets.csv", "--seed", "3", "--output", "a")
    assert run("fit", "tickets.csv", "--config", "a.run/config.toml", "--output", "b").code == 0
    first, second = (Path(f"{x}.run/config.toml").read_text() for x in "ab")
    assert first == second
    weights = [Path(f"{x}/model.safetensors").read_bytes() for x in "ab"]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nepocs = 3\n", "run.toml:2: unknown option 'epocs'"),
        ("[training]\nepochs = 'many'\n", "run.toml:2: epochs is 'many'; expected int"),
        ("[training]\nlearning-rate = 'fast'\n", "'fast'; expected float or auto"),
        ("[training]\n\nepochs = 0\n", "run.toml:3: --epochs must be 1 or more, got 0"),
        ("[training\n", "run.toml: not a TOML file"),
        ("[columns]\nlabel = ['a', 'b']\n", "run.toml: label is ['a', 'b']; expected one column"),
        ("[columns]\nlable = 'a'\n", "run.toml:2: unknown option 'lable'"),
        ("[options]\nfocal-gama = 2\n", "run.toml:2: unknown option 'focal-gama'"),
        ("[options]\nfocal-gamma = 'x'\n", "run.toml:2: focal-gamma is 'x'; expected float"),
        ("[loss]\nfocal-gamma = 2\n", "run.toml:1: unknown option 'loss'"),
    ],
)
def test_a_wrong_file_of_options_is_named(fit, here, text, said):
    (here / "run.toml").write_text(text)
    done = fit("tickets.csv", "--config", "run.toml")
    assert done.code == 2
    assert said in done.error


def test_columns_are_joined(fit, table):
    rows = [[f"{i}", name, name] for i in range(10) for name in ("card", "pin")]
    name = table([["title", "body", "intent"], *rows])
    assert fit(name, "--text", "title,body", "--output", "m").code == 0
    settings = json.loads(Path("m/glossator.json").read_text())
    assert settings["columns"]["text"] == ["title", "body"]


def test_text_of_strangers_is_shown_and_not_obeyed(fit, table):
    rows = [[f"card \x1b[31m{i} [bold]", "[red]"] for i in range(10)]
    rows += [[f"pin \x07{i}", "[/blue]\x1b]0;x"] for i in range(10)]
    done = fit(table([["message", "intent"], *rows]))
    assert done.code == 0
    assert not {"\x1b", "\x07"} & {*done.out, *done.err}
    assert "[red]" in done.out
    assert "[/blue]\\x1b]0;x" in done.out


def test_many_classes_show_the_worst_ten(fit, table):
    rows = [[f"text {i} {j}", f"class {i}"] for i in range(12) for j in range(10)]
    done = fit(table([["message", "intent"], *rows]))
    assert "Classes, weakest first (10 of 12 classes)" in done.out


def test_findings_are_shown_before_training(fit, table):
    rows = [["message", "intent"], *[["card", "a"], ["card", "b"], ["  ", "a"]]]
    rows += [[f"fee {i}", "a"] for i in range(9)] + [[f"pin {i}", "A"] for i in range(9)]
    done = fit(table(rows))
    assert done.code == 0
    assert "with more than one answer: kept" in done.err
    assert "1 row with an empty text: rejected" in done.err
    assert "table.csv:4" in done.err
    assert "differ only in case" in done.err
    assert "table.csv" in Path("table-model.run/rejected.jsonl").read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "table.csv: the file is empty"),
        (b"message,intent\n", "table.csv: the table has a header and no rows"),
        (b"message,intent\ncard,a\n", "table.csv: only one row"),
        (
            b"message,intent\ncard,a\npin,a\nfee,a\ncar,a\npins,a\n",
            "table.csv: every row has the label 'a'",
        ),
        (
            b"mesage,intent\ncard,a\n",
            "column 'message' is not in table.csv; it has: mesage, intent",
        ),
        (b"message,message\ncard,a\n", "table.csv:1: column 'message' is twice"),
        (b"message,intent\ncaf\xe9,a\n", "table.csv:2: byte 0xe9 is not UTF-8"),
        (b'message,intent\ncard,a\n"pin,b\n', "table.csv:3: a quote that is opened"),
        (b"\0\0\0", "NUL bytes"),
        ("message,intent\ncard,a\n".encode("utf-16-le"), "--encoding utf-16-le"),
        (b"message,intent\n" + b"card,a,b\n" * 5, "table.csv: no row can be used"),
    ],
)
def test_bad_tables_are_one_line_that_names_the_file(fit, table, content, said):
    done = fit(table(content), "--output", "m")
    assert done.code == 2
    assert said in done.error
    assert done.error.startswith("error: ")
    assert not Path("m").exists()


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_where_too_few_rows_are_left_the_rejected_ones_are_told(fit, table, words):
    done = fit(table("message,intent\ncard,a\n ,b\nx\ny\nz\n"), *words)
    assert done.code == 2
    assert "only one row can be used" in done.err
    assert "rejected were table.csv:3: the text is empty; table.csv:4: expected 2" in done.err
    assert "and 1 more" in done.err


def test_the_nearest_column_is_suggested(fit):
    done = fit("tickets.csv", "--text", "mesage")
    assert done.code == 2
    assert "did you mean 'message'?" in done.error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tickts.csv"], "tickts.csv: there is no such file; did you mean 'tickets.csv'?"),
        (["."], ".: "),
        (["tickets.csv", "--dev", "no.csv"], "no.csv: there is no such file"),
        (["tickets.csv", "--model", "nothing"], "the model 'nothing' is not there"),
        (["tickets.csv", "--device", "cuda:9"], "--device cuda:9"),
        (["tickets.csv", "--max-length", "2"], "--max-length must be 8 or more"),
    ],
)
def test_what_is_not_there_is_named(fit, words, said):
    done = fit(*words)
    assert done.code == 2
    assert said in done.error


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "gb18030"])
def test_tables_of_other_encodings_are_read(fit, table, encoding):
    lines = "message,intent\n" + "".join(f"café {i},é\npin {i},b\n" for i in range(10))
    name = table(lines.encode(encoding))
    words = ["--encoding", encoding] if encoding in ("latin-1", "gb18030") else []
    done = fit(name, *words, "--json")
    assert done.code == 0
    assert done.json["rows"]["rejected"] == 0
    assert json.loads(Path("table-model/config.json").read_text())["id2label"]["1"] == "é"


def test_rows_in_are_rows_used_and_rejected(fit, table):
    lines = "message,intent\n" + "".join(f"card {i},a\npin {i},b\n" for i in range(10))
    done = fit(table(lines + "ragged\na\0b,c\n ,a\nfee,\n"), "--json")
    rows = done.json["rows"]
    assert (rows["read"], rows["used"], rows["rejected"]) == (24, 20, 4)
    assert len(Path("table-model.run/rejected.jsonl").read_text().splitlines()) == 4


def test_an_output_that_exists_is_kept(fit, here, model):
    before = Path(model, "model.safetensors").read_bytes()
    done = fit("tickets.csv", "--output", model)
    assert done.code == 2
    assert done.error == "error: tickets-model exists; --overwrite replaces it"
    assert Path(model, "model.safetensors").read_bytes() == before
    assert fit("tickets.csv", "--output", model, "--overwrite", "--seed", "9").code == 0
    assert Path(model, "model.safetensors").read_bytes() != before
    assert not [x for x in here.iterdir() if x.name.startswith(".")]


def test_a_folder_of_something_else_is_never_replaced(fit, here):
    (here / "mine").mkdir()
    (here / "mine" / "letter.txt").write_text("dear")
    done = fit("tickets.csv", "--output", "mine", "--overwrite")
    assert done.code == 2
    assert "mine exists" in done.error
    assert (here / "mine" / "letter.txt").read_text() == "dear"


def test_a_batch_that_does_not_fit_is_halved(fit, monkeypatch):
    from glossator.tasks.kinds.text_classification.one_label import OneLabel

    loss, calls = OneLabel.loss, []

    def once(self, model, batch):
        calls.append(len(batch.weights))
        if len(calls) == 1:
            raise MemoryError
        return loss(self, model, batch)

    monkeypatch.setattr(OneLabel, "loss", once)
    done = fit()
    assert done.code == 0
    assert "not enough memory: going on with --token-budget" in done.err
    assert calls[1] < calls[0]


def test_labels_that_are_no_strings_are_told_right(fit, table):
    rows = [{"message": f"card {i}", "intent": i % 2 == 0} for i in range(20)]
    done = fit(table("".join(json.dumps(row) + "\n" for row in rows), "t.jsonl"))
    assert done.code == 0
    assert "2 labels" in done.err
    assert "it is True" not in done.out


def test_a_table_from_standard_input(fit, monkeypatch):
    rows = b"".join(b'{"message": "card %d", "intent": "%d"}\n' % (i, i % 2) for i in range(20))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(rows))))
    assert fit("-", "--json").json["model"] == "data-model"
