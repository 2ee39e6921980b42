"""Anything that is written comes back exactly; anything at all gives rows, or one clear error."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import write_ods, write_xlsx

from glossator.errors import InputError
from glossator.text.tables import Rejection, Row, open_table

SCALARS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NASTY = st.sampled_from(["\r", "\n", "\r\n", '"', ",", "\t", "\u2028", "\ufeff", "\x85", "'", "=1"])
TEXT = st.lists(st.one_of(st.text(SCALARS, max_size=8), NASTY), max_size=6).map("".join)
NAMES = st.lists(
    TEXT.filter(lambda name: name.strip() and name.strip() != "prediction"),
    min_size=1,
    max_size=4,
    unique_by=str.strip,
).filter(lambda names: not names[0].startswith("\ufeff"))


@st.composite
def tables(draw):
    names = draw(NAMES)
    row = st.lists(TEXT, min_size=len(names), max_size=len(names))
    return names, draw(st.lists(row, max_size=6))


@settings(max_examples=150, deadline=None)
@given(
    table=tables(),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
    kind=st.sampled_from(["csv", "tsv"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_what_csv_writes_is_read_back_exactly(folder, table, end, kind, encoding):
    names, rows = table
    buffer = io.StringIO(newline="")
    delimiter = "," if kind == "csv" else "\t"
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    path = folder / f"a.{kind}"
    path.write_bytes(buffer.getvalue().encode(encoding))
    got = open_table(path, encoding="gb18030" if encoding == "gb18030" else None)
    names = [name.strip() for name in names]
    assert got.columns == tuple(names)
    assert [item.values for item in got] == [dict(zip(names, row, strict=True)) for row in rows]


# What XML 1.0 can hold; a sheet ends the lines of a cell with a line feed.
CELL = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=8
)


@st.composite
def sheets(draw):
    names = draw(st.lists(CELL, min_size=2, max_size=4, unique_by=str.strip))
    names = [f"{number}{name}".strip() for number, name in enumerate(names)]
    row = st.lists(CELL, min_size=len(names), max_size=len(names))
    return names, draw(st.lists(row.filter(any), max_size=6))


@settings(max_examples=60, deadline=None)
@given(table=sheets(), write=st.sampled_from([write_xlsx, write_ods]))
def test_what_a_workbook_holds_is_read_back_exactly(folder, table, write):
    names, rows = table
    path = write(folder / f"a.{write.__name__[6:]}", {"Data": [names, *rows]})
    got = open_table(path)
    assert got.columns == tuple(names)
    assert [item.values for item in got] == [dict(zip(names, row, strict=True)) for row in rows]


PLACE = st.floats(0, 1, exclude_max=True)


@settings(max_examples=150, deadline=None)
@given(
    flips=st.lists(st.tuples(PLACE, st.integers(0, 255)), min_size=1, max_size=4),
    kept=st.just(1.0) | PLACE,
    write=st.sampled_from([write_xlsx, write_ods]),
)
def test_a_damaged_workbook_gives_rows_or_one_clear_error(folder, flips, kept, write):
    path = write(folder / "a.xlsx", {"Data": [["text", "label"], ["a", "b"], ["c", "d"]]})
    whole = bytearray(path.read_bytes())
    for place, byte in flips:
        whole[int(place * len(whole))] = byte
    path.write_bytes(whole[: int(kept * len(whole))])
    got = _rows_or_error(path)
    assert "a.xlsx" in got if isinstance(got, str) else got


def _rows_or_error(path: Path) -> list[Row | Rejection] | str:
    try:
        return list(open_table(path))
    except InputError as error:
        return str(error)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(NAMES.map("".join), VALUES, min_size=1, max_size=3), min_size=1, max_size=5
    ),
    ascii=st.booleans(),
)
def test_what_json_writes_is_read_back_exactly(folder, rows, ascii):
    path = folder / "a.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii) for row in rows]
    path.write_bytes("\n".join(lines).encode())
    table = open_table(path)
    assert table.columns == tuple(rows[0])
    assert [item.values for item in table] == rows


CELLS = st.text(st.sampled_from("ab ;=é你"), min_size=1, max_size=4)
RAGGED = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12)


@settings(max_examples=100, deadline=None)
@given(rows=RAGGED)
def test_rows_in_are_rows_out_and_rejections(folder, rows):
    path = folder / "r.csv"
    lines = [",".join(row) for row in [["x", "y"], *rows]]
    path.write_bytes("\n".join(lines).encode())
    items = list(open_table(path))
    assert [item.line for item in items] == list(range(2, len(rows) + 2))
    assert [isinstance(item, Row) for item in items] == [len(row) == 2 for row in rows]
    assert all(item.kind == "ragged" for item in items if isinstance(item, Rejection))


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"\0", b"\xff", b"\xe4\xbd"]),
            max_size=40,
        ).map(b"".join),
        st.lists(
            st.sampled_from(
                [b"{", b"}", b'"a"', b":", b"1", b"\n", b"[", b"\\ud800", b"NaN", b","]
            ),
            max_size=40,
        ).map(b"".join),
    ),
    name=st.sampled_from(["f.csv", "f.tsv", "f.jsonl", "f.txt", "f.csv.gz", "f.parquet"]),
)
def test_any_bytes_give_rows_or_one_of_our_errors(folder, data, name):
    path = folder / name
    path.write_bytes(data)
    lines, message = read(path)
    assert lines == sorted(set(lines))
    assert message is None or (str(path) in message and "\n" not in message)


def read(path: Path) -> tuple[list[int], str | None]:
    """The lines of the rows and rejections of `path`, and the error that ends them."""
    lines: list[int] = []
    try:
        for item in open_table(path):
            lines.append(item.line)
    except InputError as error:
        return lines, str(error)
    return lines, None
