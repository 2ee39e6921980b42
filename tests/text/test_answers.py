"""Answers out: nothing lost, nothing half-written, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import datetime
import gzip
import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import glossator.errors
from glossator.errors import ColumnError, OutputExistsError, TableError
from glossator.text.answers import answer_writer, failed_answer, write_answers
from glossator.text.tables import Rejection


def prediction(label: str = "card", score: float = 0.5) -> dict:
    labels = [{"label": label, "score": score}]
    return {"label": label, "score": score, "labels": labels, "n_tokens": 4, "windows": 1}


FAILED = failed_answer(Rejection("a.csv", 3, "ragged", "expected 2 fields", {"text": "alone"}))
ANSWERS = [
    {"text": "你好\u2028", "id": "007", "prediction": prediction()},
    FAILED,
    {"text": "a\r\nb", "id": "", "prediction": prediction("pin", 1.0)},
]


def cells(path: Path) -> list[list[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True, delimiter="\t" if ".tsv" in path.name else ","))


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_json_lines(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert write_answers(path, ANSWERS) == 3
    data = path.read_bytes()
    lines = (gzip.decompress(data) if suffix.endswith("gz") else data).decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == ANSWERS
    assert lines[-1] == ""
    assert "你好" in lines[0]
    assert json.loads(lines[1])["error"]["line"] == 3
    write_answers(path, ANSWERS, overwrite=True)
    assert path.read_bytes() == data


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_cells(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_answers(path, ANSWERS, ["id", "text"])
    header, first, failed, last = cells(path)
    names = ["label", "score", "labels", "n_tokens", "windows"]
    assert header == ["id", "text", *(f"prediction_{name}" for name in names), "error"]
    labels = '[{"label": "card", "score": 0.5}]'
    assert first == ["007", "你好\u2028", "card", "0.5", labels, "4", "1", ""]
    assert failed == ["", "alone", "", "", "", "", "", "ragged: expected 2 fields"]
    assert last[:2] == ["", "a\r\nb"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_formulas_are_escaped_and_numbers_are_not(tmp_path, sign):
    path = tmp_path / "a.csv"
    answer = {sign + "x": sign + "cmd|' /C calc'!A0", "y": "a=1"}
    write_answers(path, [{**answer, "prediction": {"value": -1.5, "label": sign + "1"}}])
    header, row = cells(path)
    assert header[0] == "'" + sign + "x"
    assert row == ["'" + sign + "cmd|' /C calc'!A0", "a=1", "-1.5", "'" + sign + "1", ""]


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    write_answers(path, ANSWERS, ["id", "text"])
    got = pq.read_table(path).to_pylist()
    assert list(got[0]) == ["id", "text", "prediction", "error"]
    assert [row["prediction"] for row in got] == [answer["prediction"] for answer in ANSWERS]
    assert got[1]["error"] == FAILED["error"]
    assert got[0]["error"] is None
    assert [row["text"] for row in got] == [answer["text"] for answer in ANSWERS]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_many_batches_with_a_failed_first_one(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    rows = [FAILED] * 1_024 + [{"text": str(i), "prediction": prediction()} for i in range(2_000)]
    assert write_answers(path, iter(rows), ["text"]) == 3_024
    if suffix == ".csv":
        got = [row[1] for row in cells(path)]
        assert got[0] == "prediction"
    else:
        got = pq.read_table(path)["prediction"].to_pylist()
    assert len(got) == 3_024 + (suffix == ".csv")
    assert json.loads(got[-1]) == prediction()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_has_no_column_is_told_and_not_dropped(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    rows = [{"text": "a", "prediction": {"label": "x"}}] * 1_024
    with pytest.raises(TableError, match=r"the key 'more'.*write \.jsonl"):
        write_answers(path, [*rows, {"text": "b", "more": 1, "prediction": {"label": "x"}}])
    with pytest.raises(TableError, match="the key 'set'"):
        write_answers(path, [*rows, {"text": "b", "prediction": {"label": "x", "set": []}}])
    assert list(tmp_path.iterdir()) == []


def test_parquet_columns_of_mixed_types_are_told(tmp_path):
    rows = [{"n": n, "prediction": prediction()} for n in (1, "one")]
    with pytest.raises(TableError, match="column 'n' is not of one type"):
        write_answers(tmp_path / "a.parquet", rows)
    with pytest.raises(TableError, match="column 'n'"):
        write_answers(tmp_path / "a.parquet", [{"n": 2**80, "prediction": None}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_no_answers(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert write_answers(path, [], ["text"]) == 0
    if suffix == ".csv":
        assert cells(path) == [["text", "prediction", "error"]]
    if suffix == ".parquet":
        assert pq.read_table(path).column_names == ["text", "prediction", "error"]


def test_values_that_json_does_not_know(tmp_path):
    path = tmp_path / "a.jsonl"
    day = datetime.date(2024, 2, 29)
    values = {"a": math.nan, "b": [math.inf, 1.5], "c": day, "d": Decimal("1.10"), "e": b"\xff"}
    write_answers(path, [{**values, "prediction": None}])
    got = json.loads(path.read_text())
    assert list(got.values()) == [None, [None, 1.5], "2024-02-29", "1.10", "ff", None]
    write_answers(tmp_path / "a.csv", [{**values, "prediction": None}])
    assert cells(tmp_path / "a.csv")[1][:4] == ["", "[null, 1.5]", "2024-02-29", "1.10"]


def test_an_output_that_exists_is_refused_before_any_work(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(OutputExistsError), answer_writer(path):
        pytest.fail("the block must not run")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".csv.gz", ".parquet"])
def test_an_error_in_the_middle_leaves_what_was_there(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("mine")

    def answers():
        yield from ANSWERS * 1_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_answers(path, answers(), overwrite=True)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


FULL = """
import resource, sys
from glossator.text.answers import write_answers
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
answers = ({"text": str(i) * 50, "prediction": {"score": i / 7}} for i in range(50_000))
try: write_answers(sys.argv[1], answers)
except OSError: sys.exit(3)
"""


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".csv.gz", ".parquet"])
def test_a_full_disk_leaves_nothing(tmp_path, suffix):
    env = {**os.environ, "PYTHONPATH": str(Path(glossator.errors.__file__).parents[1])}
    command = [sys.executable, "-c", FULL, str(tmp_path / f"a{suffix}")]
    done = subprocess.run(command, env=env, capture_output=True)
    assert done.returncode == 3, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_standard_output_is_utf8_whatever_the_locale(encoding):
    code = """
from glossator.text.answers import *
write_answers('-', [{'text': '你好', 'prediction': None}])
print('after')
"""
    env = {
        "PYTHONPATH": str(Path(glossator.errors.__file__).parents[1]),
        "PYTHONIOENCODING": encoding,
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout.decode() == '{"text": "你好", "prediction": null}\nafter\n'


def test_standard_output_without_bytes(capsys, monkeypatch):
    import io

    caught = io.StringIO()
    monkeypatch.setattr(sys, "stdout", caught)
    write_answers("-", [{"prediction": None}])
    assert caught.getvalue() == '{"prediction": null}\n'


def test_names_that_cannot_be_written(tmp_path):
    with pytest.raises(TableError, match="not written to such a file"):
        write_answers(tmp_path / "a.txt", [])
    with pytest.raises(TableError, match=r"expected \.csv"):
        write_answers(tmp_path / "a.doc", [])
    with pytest.raises(ColumnError, match="'error'"):
        write_answers(tmp_path / "a.csv", [], ["text", "error"])
    clash = [{"prediction_label": "a", "prediction": {"label": "b"}}]
    with pytest.raises(ColumnError, match="'prediction_label'"):
        write_answers(tmp_path / "a.csv", clash)
