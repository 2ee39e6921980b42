"""Parquet in: exact values, row numbers, damage told."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from glossator.errors import ColumnError, TableError
from glossator.text.tables import Rejection, Row, open_table


def test_rows_come_by_number_and_with_their_types(tmp_path):
    path = tmp_path / "a.parquet"
    day = datetime.date(2024, 2, 29)
    values = [{"text": f"文{i}", "n": i, "when": day, "tags": ["a", None]} for i in range(3_000)]
    pq.write_table(pa.Table.from_pylist(values), path, row_group_size=700)
    table = open_table(path)
    assert table.columns == ("text", "n", "when", "tags")
    items = list(table)
    assert [item.line for item in items] == list(range(1, 3_001))
    assert [item.values for item in items] == values
    assert items == list(table)


def test_bytes_that_are_not_utf8_are_rejected_by_row(tmp_path):
    path = tmp_path / "a.parquet"
    broken = pa.array([b"good", b"caf\xe9", b"fine"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken}), path)
    assert [(i.line, type(i)) for i in open_table(path)] == [(1, Row), (2, Rejection), (3, Row)]


def test_what_is_no_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"text,label\na,b\n" * 20)
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        open_table(path)
    path.write_bytes(b"")
    with pytest.raises(TableError):
        open_table(path)
    with pytest.raises(TableError, match="no such file"):
        open_table(tmp_path / "b.parquet")
    (tmp_path / "b.parquet.gz").touch()
    with pytest.raises(TableError, match=r"leave out the \.gz"):
        open_table(tmp_path / "b.parquet.gz")


def test_damage_in_the_middle_is_told(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" * 9 for i in range(5_000)]}), path)
    data = bytearray(path.read_bytes())
    data[2_000:9_000] = b"\xff" * 7_000
    path.write_bytes(data)
    with pytest.raises(TableError, match="damaged"):
        list(open_table(path))


def test_headers(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), path)
    with pytest.raises(ColumnError, match="twice"):
        open_table(path)


@pytest.mark.parametrize("kind", ["file", "stream", "feather"])
def test_arrow_and_feather(tmp_path, kind):
    table = pa.table({"text": [f"row {i}" for i in range(3000)], "n": [1.5, None, 2] * 1000})
    path = tmp_path / ("a.feather" if kind == "feather" else "a.arrow")
    if kind == "feather":
        feather.write_feather(table, path)
    else:
        new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with new(path, table.schema) as writer:
            writer.write_table(table)
    opened = open_table(path)
    assert opened.columns == ("text", "n")
    assert [item.values for item in opened] == table.to_pylist()
    assert [item.line for item in opened] == list(range(1, 3001))
    path.write_bytes(path.read_bytes()[:9] + b"x" * 99)
    with pytest.raises(TableError, match=r"a\.(arrow|feather)"):
        list(open_table(path))
