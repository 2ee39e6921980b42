"""`.json` that is one array of objects: each is a row with its line, in constant memory."""

from __future__ import annotations

import codecs
import json
import tracemalloc

import pytest

from glossator.errors import TableError
from glossator.text.tables import Rejection, Row, open_table

ROWS = [{"text": f"row {i} \u2028 é", "label": i % 2, "more": [1, {"a": None}]} for i in range(9)]


def write(tmp_path, text: str):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("key", [False, True])
def test_an_array_of_objects(tmp_path, indent, key):
    document = {"schema": {"a": [{"b": 1}]}, "data": ROWS, "version": 2} if key else ROWS
    path = write(tmp_path, json.dumps(document, indent=indent))
    table = open_table(path)
    assert table.columns == ("text", "label", "more")
    assert [item.values for item in table] == ROWS
    assert list(table) == list(table)
    said = f"{path}: the rows are those under the key 'data'; left out: schema, version"
    assert table.notes == ([said] if key else [])


def test_the_line_of_each_row(tmp_path):
    path = write(tmp_path, '[\n {"text": "a"},\n {"text":\n"b"}\n,\n {"text": "c"}]\n')
    assert [item.line for item in open_table(path)] == [2, 3, 6]


def test_json_lines_under_the_wrong_name_and_a_byte_order_mark(tmp_path):
    path = write(tmp_path, "".join(json.dumps(row) + "\n" for row in ROWS))
    assert [item.values for item in open_table(path)] == ROWS
    path.write_bytes(codecs.BOM_UTF8 + json.dumps(ROWS).encode())
    assert [item.values for item in open_table(path)] == ROWS
    assert len(list(open_table(write(tmp_path, '{"text": "a", "label": "b"}')))) == 1


def test_what_json_lines_reject_is_rejected(tmp_path):
    bad = ['{"a": 1, "a": 2}', "NaN", '{"a": 1e999}', "[1]", '{"a": "\\ud800"}', "1" * 5000]
    path = write(tmp_path, '[{"a": 1},\n' + ",\n".join(bad) + ',\n{"a": 2}]')
    items = list(open_table(path))
    assert [type(item) for item in items] == [Row, *[Rejection] * len(bad), Row]
    assert [item.line for item in items] == list(range(1, len(bad) + 3))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[{"a": 1},\n{"a": 2]', 2, "not JSON"),
        ('[{"a": 1}\n{"a": 2}]', 2, "expected ',' or ']', got '{'"),
        ('[{"a": 1},\n', 2, "not JSON"),
        ('[{"a": 1}]\nx', 2, "after the end"),
        ('{"a": {"0": 1},\n"b": 2}', 2, "orient='records'"),
        ("12", 1, "expected '{'"),
        ("[]", None, "no row"),
    ],
)
def test_a_broken_document_is_one_error(tmp_path, text, line, message):
    with pytest.raises(TableError) as caught:
        list(open_table(write(tmp_path, text)))
    assert message in caught.value.message
    assert caught.value.line == line


def test_a_document_on_one_line_is_read_in_constant_memory(tmp_path):
    row = json.dumps({"text": "word " * 50, "label": "a"})
    path = write(tmp_path, "[" + ",".join([row] * 60_000) + "]")
    tracemalloc.start()
    count = sum(1 for _ in open_table(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 4 * 2**20 < path.stat().st_size
