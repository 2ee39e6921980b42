"""A .toml that lists the tables of several tasks."""

from __future__ import annotations

import json

import pytest

from glossator.errors import ColumnError, GlossatorError, TableError
from glossator.text.rows import Rejection, Row
from glossator.text.tables import held_out, open_table, read_tables

INTENT = '[tasks.intent]\ntrain = "data/intent.csv"\n'


@pytest.fixture
def here(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "intent.csv").write_text("text,label\nhi there,greet\nbye,leave\n")
    (tmp_path / "data" / "test.csv").write_text("text,label\nhello,greet\n")
    (tmp_path / "tags.jsonl").write_text('{"tokens": ["Ann"], "tags": ["B-PER"]}\nnot json\n')
    return tmp_path


def written(here, text, name="tasks.toml"):
    (here / name).write_text(text, encoding="utf-8")
    return here / name


def test_its_rows_are_those_of_all_tables_and_name_their_task(here):
    path = written(here, f'temperature = 2.0\n{INTENT}[tasks.tags]\ntrain = ["tags.jsonl"]\n')
    table = open_table(path)
    assert table.columns == ("task", "text", "label", "tokens", "tags")
    rows = list(table)
    assert [(x.line, (x.values or {}).get("task")) for x in rows] == [
        (2, "intent"), (3, "intent"), (1, "tags"), (2, None),
    ]  # fmt: skip
    assert rows[0].values == {"task": "intent", "text": "hi there", "label": "greet"}
    assert rows[0].source == str(here / "data" / "intent.csv")
    assert isinstance(rows[-1], Rejection)
    assert list(table) == rows
    assert table.files == (str(here / "data" / "intent.csv"), str(here / "tags.jsonl"))


def test_what_is_said_of_the_tasks_is_kept_for_who_learns_them(here):
    said = 'task = "text-classification"\nclass-weights = "auto"\nlabel = "label"\n'
    options = open_table(written(here, f"temperature = 2.0\n{INTENT}{said}")).options
    assert options["temperature"] == 2.0
    members = json.loads(options["members"])
    assert members["intent"]["label"] == "label"
    assert members["intent"]["class_weights"] == "auto"
    assert "train" not in members["intent"]


def test_test_tables_are_beside_and_are_what_is_scored(here):
    both = f'{INTENT}test = "data/test.csv"\n[tasks.tags]\ntrain = "tags.jsonl"\n'
    table = open_table(written(here, both))
    assert table.beside.keys() == {"test"}
    assert table.beside["test"].sources == {str(here / "data" / "intent.csv")}
    scored = held_out(table)
    assert [row.values for row in scored] == [{"task": "intent", "text": "hello", "label": "greet"}]
    assert "its test tables are read" in scored.notes[-1]
    alone = held_out(open_table(written(here, INTENT)))
    assert len(list(alone)) == 2
    assert "names no test table" in alone.notes[-1]


def test_a_table_is_read_as_its_task_says(here):
    (here / "odd.txt").write_text("hi;greet\n", encoding="utf-16")
    section = (
        '[tasks.odd]\ntrain = "odd.txt"\nformat = "csv"\ndelimiter = ";"\n'
        'columns = ["text", "label"]\nencoding = "utf-16"\n'
    )
    rows = list(open_table(written(here, INTENT + section)))
    assert rows[-1].values == {"task": "odd", "text": "hi", "label": "greet"}


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ("", "lists no task", None),
        ("tasks = 3\n", "lists no task", None),
        ("[tasks.a\n", "not a TOML file", None),
        (f"{INTENT}{INTENT}", "at line 3", None),
        ('x = 1\n[tasks.a]\ntrian = "a.csv"\n', "has no table; expected train", 2),
        ('[tasks.a]\ntrian = "a.csv"\n', "did you mean", 1),
        ("[tasks.a]\ntrain = 3\n", "expected a file, or a list of some", 1),
        ("[tasks.a]\ntrain = []\n", "expected a file, or a list of some", 1),
        ('[tasks.a]\ntrain = "a.csv"\ndelimiter = "ab"\n', "delimiter", 1),
        ('[tasks]\n"a b" = 1\n', "no name of a task", None),
        ("[tasks]\na = 1\n", "expected a table [tasks.a]", 2),
        (f"{INTENT}[intent]\nx = 1\n", "expected [tasks.intent]", 3),
        ('[tasks.a]\ntrain = "nowhere.csv"\n', "nowhere.csv", None),
        (
            f'{INTENT}test = "data/test.csv"\n[tasks.b]\ntrain = "data/intent.csv"\n',
            "name it for both, or for neither",
            None,
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_file(here, text, told, line):
    with pytest.raises(GlossatorError) as caught:
        list(open_table(written(here, text)))
    assert told in str(caught.value)
    assert caught.value.line == line
    expected = "nowhere.csv" if told == "nowhere.csv" else "tasks.toml"
    assert str(caught.value.file).endswith(expected)


def test_a_column_called_task_is_no_ones_name(here):
    (here / "bad.csv").write_text("text,task\nx,y\n")
    with pytest.raises(ColumnError, match="column 'task' is where rows name their task"):
        open_table(written(here, '[tasks.a]\ntrain = "bad.csv"\n'))


def test_a_list_of_tables_is_read_alone(here):
    path = written(here, INTENT)
    with pytest.raises(TableError, match="is read by itself"):
        read_tables([path, here / "data" / "intent.csv"])


def test_a_list_of_tables_lists_no_lists(here):
    path = written(here, '[tasks.a]\ntrain = "tasks.toml"\n')
    with pytest.raises(TableError, match="lists tables itself"):
        open_table(path)


def test_names_of_any_script_are_names(here):
    table = open_table(written(here, '[tasks."情感-1"]\ntrain = "data/intent.csv"\n'))
    assert {row.values["task"] for row in table if isinstance(row, Row)} == {"情感-1"}
