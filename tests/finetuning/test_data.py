"""Rows in, parts out: nothing lost, nothing in two parts."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from sheets import write_xlsx

from glossator.errors import ColumnError, TableError
from glossator.finetuning.config import DataConfig, FitConfig
from glossator.finetuning.data import read_data, row_counts
from glossator.text.config import TableConfig
from glossator.text.preflight import preflight
from glossator.text.records import Record
from glossator.text.rows import Rejection
from glossator.training.config import TrainingConfig


def texts(items):
    return [item.texts[0] for item in items if isinstance(item, Record)]


def read(source, seed=0, columns=None, **options):
    training = TrainingConfig(seed=seed)
    config = FitConfig(columns=columns or {}, data=DataConfig(**options), training=training)
    return read_data(source, config)


def test_every_row_is_in_one_part(rows_of):
    rows = rows_of(200)
    parts = read(rows).parts
    assert {name: len(items) for name, items in parts.named().items()} == {
        "train": 160,
        "dev": 20,
        "test": 20,
    }
    together = [text for items in parts.named().values() for text in texts(items)]
    assert sorted(together) == sorted(row["text"] for row in rows)
    for items in (parts.dev, parts.test):
        assert [item.target for item in items].count("bad") == 10


def test_a_seed_draws_the_same_parts(rows_of):
    rows = rows_of(100)
    first, again, other = (texts(read(rows, seed).parts.test) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def leaks(parts):
    seen = [set(texts(items)) for items in parts.named().values()]
    return [a & b for i, a in enumerate(seen) for b in seen[i + 1 :] if a & b]


def test_equal_texts_stay_together(rows_of):
    rows = [row for row in rows_of(40) for _ in range(3)]
    for seed in range(10):
        assert leaks(read(rows, seed).parts) == []


def test_a_split_that_leaks_would_be_seen(rows_of):
    rows = [{**row, "id": number} for number, row in enumerate(rows_of(40) * 3)]
    assert leaks(read(rows, group="id").parts)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_stays_together(rows_of, seed):
    rows = [{**row, "customer": f"c{number % 23}"} for number, row in enumerate(rows_of(200))]
    parts = read(rows, seed, group="customer").parts
    seen = [{item.row.values["customer"] for item in items} for items in parts.named().values()]
    assert len(seen) == 3
    assert sum(map(len, seen)) == 23


def test_questions_on_one_context_stay_together():
    """A row at a time, nearly every context would be in two parts."""
    rows = [
        {"question": f"who is {name}?", "context": f"Ann, Bo and Al: {n}", "answers": [name]}
        for n in range(30)
        for name in ("Ann", "Bo", "Al")
    ]
    parts = read(rows).parts.named()
    contexts = [{item.input.context for item in items} for items in parts.values()]
    assert sum(map(len, parts.values())) == 90
    assert all(contexts)
    assert sum(map(len, contexts)) == 30


def test_a_group_column_that_is_not_there(rows_of):
    with pytest.raises(ColumnError, match=r"column 'custommer' is not in.*did you mean 'customer'"):
        read([{**row, "customer": "a"} for row in rows_of(9)], group="custommer")


def test_given_parts_are_taken_as_they_are(rows_of, tmp_path):
    paths = {}
    for name, count in (("train", 30), ("dev", 8), ("test", 12)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows_of(count, seed=count)))
        paths[name] = str(path)
    data = read([paths["train"]], dev=paths["dev"], test=paths["test"])
    assert [len(x) for x in data.parts.named().values()] == [30, 8, 12]
    assert [file.rows for file in data.files] == [30, 8, 12]
    assert all(len(file.sha256) == 64 for file in data.files)
    data = read([paths["train"]], test=paths["test"], dev_fraction=0.2)
    assert [len(x) for x in data.parts.named().values()] == [24, 6, 12]


def test_fractions_of_zero_leave_parts_out(rows_of):
    assert read(rows_of(40), dev_fraction=0).parts.dev is None
    assert list(read(rows_of(40), dev_fraction=0, test_fraction=0).parts.named()) == ["train"]


def test_rows_read_are_rows_used_and_rejected(rows_of):
    rows = rows_of(50)
    rows += [{"text": t, "label": "bad"} for t in ("", " ", "\u200b\u200b", "\t\n")]
    rows += [{"text": "fine", "label": " "}, {"text": None, "label": "bad"}, {"text": "fine"}]
    rows += [{"text": "half \ud800", "label": "bad"}, {"text": ["a"], "label": "bad"}]
    data = read(rows)
    counts = row_counts(preflight(data.parts.train, data.parts.dev, data.parts.test))
    assert (counts.read, counts.used, counts.rejected) == (59, 50, 9)
    kept = [x for items in data.parts.named().values() for x in items]
    assert {x.kind for x in kept if isinstance(x, Rejection)} == {
        "empty_label",
        "empty_text",
        "lone_surrogate",
        "missing_column",
        "not_text",
    }


def test_several_files_are_one_table(rows_of, tmp_path):
    for name in ("a", "b"):
        lines = (json.dumps(row) + "\n" for row in rows_of(10, seed=ord(name)))
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    data = read([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert [(file.name, file.rows) for file in data.files] == [("a.jsonl", 10), ("b.jsonl", 10)]


# Rows in memory


def test_values_of_numpy_and_other_kinds_are_read_as_tables_are():
    rows = [
        {"text": np.str_("a"), "label": np.int64(3)},
        {"text": 5, "label": np.float64(0.5)},
        {"text": Decimal("1.50"), "label": True},
    ]
    items = read(rows, dev_fraction=0, test_fraction=0).parts.train
    assert [(*x.texts, x.target) for x in items] == [("a", "3"), ("5", "0.5"), ("1.50", "true")]
    assert [(x.row.source, x.row.line) for x in items] == [("row", 1), ("row", 2), ("row", 3)]


def test_columns_are_joined():
    rows = [{"title": "a", "body": "b", "label": "x"}] * 3
    columns = {"text": ("title", "body")}
    items = read(rows, columns=columns, dev_fraction=0, test_fraction=0).parts.train
    assert items[0].texts == ("a\nb",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "no table and no row"),
        (
            [{"txt": "a", "label": "b"}],
            r"column 'text' is not in rows in memory; it has: txt",
        ),
        ([{"text": "a", "label": "b", "prediction": "c"}], "'prediction' is where answers are"),
        ([{"text": "a", "label": "b", 3: "c"}], "column 3 is of type int; expected a string"),
        ([{"text": "a", "label": "b"}, ["a", "b"]], "row 2 is of type list; expected a mapping"),
    ],
)
def test_what_is_no_table_is_refused(source, message):
    with pytest.raises(TableError, match=message):
        read(source)


def test_a_header_alone(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\n")
    with pytest.raises(TableError, match="a header and no rows"):
        read([tmp_path / "t.csv"])


# How tables are written


def test_how_the_tables_are_written_stands_in_the_config(tmp_path):
    rows = "".join(f"text {i};{'ab'[i % 2]}\n" for i in range(20))
    for name, header in (("train", "text;label\n"), ("test", "TEXT;Label\n")):
        (tmp_path / f"{name}.csv").write_text(header + rows)
    data = read([tmp_path / "train.csv"], test=str(tmp_path / "test.csv"))
    table = data.config.table
    assert (table.delimiter, table.quoting, table.encoding) == (";", "minimal", "utf-8")
    assert any("separator: ';' (semicolon), found" in note for note in data.notes)
    assert len(data.parts.test) == 20
    again = read_data([tmp_path / "train.csv"], data.config)
    assert again.config == data.config
    (tmp_path / "test.csv").write_text("text,label\na,b\n")
    data = read([tmp_path / "train.csv"], test=str(tmp_path / "test.csv"))
    assert data.config.table.delimiter is None


@pytest.mark.parametrize(("count", "few"), [(49, True), (50, False)])
def test_that_rows_are_few_is_said(rows_of, count, few):
    notes = read(rows_of(count)).notes
    assert any("fewer than 50 rows can be used (49)" in note for note in notes) == few


def test_options_of_one_table_are_not_for_a_dev_table_of_another_kind(tmp_path):
    rows = [[f"film {number}", "good" if number % 2 else "bad"] for number in range(60)]
    sheet = [["text", "label"], *rows]
    write_xlsx(tmp_path / "two.xlsx", {"Data": sheet, "Notes": [["x"]]})
    write_xlsx(tmp_path / "one.xlsx", {"Data": sheet})
    (tmp_path / "a.csv").write_text("".join(f"{text};{label}\n" for text, label in sheet))
    for source, dev, table in [
        ("two.xlsx", "a.csv", TableConfig(sheet="Data")),
        ("a.csv", "one.xlsx", TableConfig(delimiter=";", encoding="latin-1")),
    ]:
        split = DataConfig(dev=str(tmp_path / dev), test_fraction=0)
        parts = read_data([str(tmp_path / source)], FitConfig(data=split, table=table)).parts
        assert texts(parts.train) == texts(parts.dev) == [text for text, _ in rows]
    with pytest.raises(TableError, match="nothing: there is no such file"):
        read([str(tmp_path / "one.xlsx")], dev=str(tmp_path / "nothing"))


def test_a_folder_of_texts_is_a_table_with_a_digest_of_its_files(tmp_path):
    for number in range(60):
        file = tmp_path / "films" / ("good" if number % 2 else "bad") / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"film {number}\n")
    first = read([str(tmp_path / "films")])
    assert sum(map(len, first.parts.named().values())) == 60
    assert {item.target for item in first.parts.train} == {"good", "bad"}
    (file,) = first.files
    assert (file.name, file.rows) == ("films", 60)
    assert read([f"{tmp_path}/films/"]).files == [file]
    (tmp_path / "films" / "bad" / "0.txt").write_text("another film\n")
    assert read([str(tmp_path / "films")]).files[0].sha256 != file.sha256
