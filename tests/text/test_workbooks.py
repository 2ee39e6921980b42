"""Sheets: cells are what they show, the right sheet and header are found, damage is told."""

from __future__ import annotations

import datetime
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from sheets import write_ods, write_xlsx

from glossator.errors import ColumnError, ConfigError, MissingPackageError, TableError
from glossator.text.answers import answer_writer
from glossator.text.tables import Rejection, Row, open_table

WRITERS = {"a.xlsx": write_xlsx, "a.ods": write_ods}
HEADER = ["text", "label"]
DAY = datetime.date(2024, 2, 29)
# What stands in a cell, and the text that it is.
CELLS = [
    ("逾期 café\nsecond line", "逾期 café\nsecond line"),
    (" 007 ", " 007 "),
    ("=1+1", "=1+1"),
    (3.0, "3"),
    (-2, "-2"),
    (2.5, "2.5"),
    (0.1 + 0.2, "0.3"),
    (1e300, "1e+300"),
    (True, "TRUE"),
    (False, "FALSE"),
    (DAY, "2024-02-29"),
    (datetime.datetime(2024, 2, 29, 13, 5, 9), "2024-02-29 13:05:09"),
    (None, ""),
]


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Write sheets to a file of each format."""
    return lambda sheets: WRITERS[request.param](tmp_path / request.param, sheets)


def values(path, **options) -> list[list[str]]:
    return [list(item.values.values()) for item in open_table(path, **options)]


def test_cells_are_the_text_that_they_show(write):
    table = open_table(
        write({"Data": [HEADER, *([f"row {i}", x] for i, (x, _) in enumerate(CELLS))]})
    )
    assert table.columns == ("text", "label")
    items = list(table)
    assert [item.values["label"] for item in items] == [shown for _, shown in CELLS]
    assert [item.line for item in items] == list(range(2, len(CELLS) + 2))
    assert all(isinstance(item, Row) for item in items)
    assert items == list(table)
    assert table.notes == []


def test_times_and_percents(tmp_path):
    """A duration is shown in hours; a percent is the number that it is."""
    book = openpyxl.Workbook()
    sheet = book.active
    for number, value in enumerate(
        ["when", datetime.time(12, 30), datetime.timedelta(hours=30, seconds=5), 0.25], start=1
    ):
        sheet.cell(number, 1, value)
    sheet["A4"].number_format = "0%"
    book.save(tmp_path / "a.xlsx")
    assert values(tmp_path / "a.xlsx") == [["12:30:00"], ["30:00:05"], ["0.25"]]


def test_an_old_workbook():
    """Written by xlwt 1.3: a text, a number, a truth and two dates."""
    got = values(Path(__file__).parent / "old.xls")
    assert got == [["where is my card", "3", "2024-02-29"], ["逾期 café", "TRUE", "1999-12-31"]]


def test_a_table_that_begins_below_a_title_and_holds_blank_rows(write):
    rows = [[], [None, "Tickets"], [], [None, "text", "label"], [None, "a", "b"], []]
    path = write({"Data": [*rows, [None, "c", "d"]]})
    table = open_table(path)
    assert [(item.line, item.values) for item in table] == [
        (5, {"text": "a", "label": "b"}),
        (7, {"text": "c", "label": "d"}),
    ]
    assert table.notes == [
        f"{path}: the header of sheet 'Data' is row 4",
        f"{path}: blank rows are skipped; the first is row 6",
    ]


def test_one_column_is_a_table_too(write):
    assert values(write({"Data": [["text"], ["a"], ["b"], ["c"]]})) == [["a"], ["b"], ["c"]]


def test_header_rules_are_those_of_csv(write):
    path = write({"Data": [[None, " text ", "Label"], [0, "a", "b"], [1, "c", "d"]]})
    table = open_table(path)
    assert table.columns == ("index", "text", "Label")
    assert [item.values for item in table][1] == {"index": "1", "text": "c", "Label": "d"}
    assert len(table.notes) == 2
    with pytest.raises(ColumnError, match="'text' is twice in the header") as found:
        open_table(write({"Data": [[], ["text", "text"], ["a", "b"]]}))
    assert found.value.line == 2
    with pytest.raises(ColumnError, match="column 2 of the header has no name"):
        open_table(write({"Data": [["text", None, "label"], ["a", "x", "b"]]}))
    assert values(write({"Data": [["text", None, "label"], ["a", None, "b"]]})) == [["a", "b"]]


def test_names_that_are_given(write):
    path = write({"Data": [["a", 1], [None, 2]]})
    rows = list(open_table(path, columns=("text", "label", "more")))
    assert [row.values for row in rows] == [
        {"text": "a", "label": "1", "more": ""},
        {"text": "", "label": "2", "more": ""},
    ]


def test_a_row_with_a_cell_beyond_the_header_is_rejected_by_its_number(write):
    items = list(open_table(write({"Data": [HEADER, ["a", "b"], ["c", "d", None, "stray"]]})))
    assert [type(item) for item in items] == [Row, Rejection]
    assert items[1].line == 3
    assert items[1].kind == "ragged"
    assert "expected 2 cells as in the header, got 3" in items[1].message


def test_which_sheet(write):
    rows = [HEADER, ["a", "b"]]
    path = write({"Notes": [], "Data": rows})
    table = open_table(path)
    assert table.notes == [f"{path}: sheet 'Data', the only one with rows, is read"]
    path = write({"Train": rows, "Test": [HEADER, ["c", "d"]]})
    with pytest.raises(TableError, match=r"2 sheets have rows.*--sheet; there are: Train, Test$"):
        open_table(path)
    assert values(path, sheet="Test") == values(path, sheet="test") == [["c", "d"]]
    with pytest.raises(TableError, match=r"no sheet 'Tset'; it has: Train, Test.*mean 'Test'"):
        open_table(path, sheet="Tset")
    with pytest.raises(TableError, match=r"no sheet has a row; there are: Data$"):
        open_table(write({"Data": []}))
    path = write({"Data": rows, "Notes": []})
    with pytest.raises(TableError, match="'Notes' is empty"):
        open_table(path, sheet="Notes")


def test_a_hidden_sheet_is_read_where_it_is_named(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", {"Data": [["text"], ["a"]], "Old": [["text"], ["b"]]})
    book = openpyxl.load_workbook(path)
    book["Old"].sheet_state = "hidden"
    book.save(path)
    assert values(path) == [["a"]]
    assert values(path, sheet="Old") == [["b"]]
    with pytest.raises(TableError, match=r"Data, Old \(hidden\)"):
        open_table(path, sheet="nothing")


def test_what_is_no_workbook(tmp_path):
    whole = write_xlsx(tmp_path / "whole.xlsx", {"Data": [HEADER, ["a", "b"]]}).read_bytes()
    path = tmp_path / "a.xlsx"
    for data in (b"", b"text,label\na,b\n", whole[:900], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99):
        path.write_bytes(data)
        with pytest.raises(TableError, match=r"a\.xlsx: cannot be read as a workbook, or is damag"):
            open_table(path)
    path.write_bytes(b"text,label\na,b\n")
    assert values(path, format="csv") == [["a", "b"]]
    path.write_bytes(whole)
    path = path.rename(tmp_path / "a.xls")  # told by its bytes
    assert values(path) == [["a", "b"]]
    with pytest.raises(TableError, match="a folder"):
        open_table(tmp_path, format="excel")
    with pytest.raises(TableError, match="not read from standard input"):
        open_table("-", format="excel")
    path.rename(tmp_path / "a.xlsx.gz")
    with pytest.raises(TableError, match=r"leave out the \.gz"):
        open_table(tmp_path / "a.xlsx.gz")


def test_a_damaged_sheet_is_named(tmp_path):
    whole = write_xlsx(tmp_path / "whole.xlsx", {"Data": [HEADER, ["a", "b"]]})
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
    with pytest.raises(TableError, match=r"a\.xlsx: sheet 'Data' is damaged"):
        open_table(tmp_path / "a.xlsx")


def test_an_encrypted_workbook():
    """Of msoffcrypto-tool; no password is asked for."""
    with pytest.raises(TableError, match=r"encrypted\.xlsx: the workbook is encrypted; save it"):
        open_table(Path(__file__).parent / "encrypted.xlsx")


def test_an_encrypted_workbook_of_open_document(tmp_path):
    whole = write_ods(tmp_path / "whole.ods", {"Data": [HEADER, ["a", "b"]]})
    mark = b'><manifest:encryption-data manifest:checksum="x"/></manifest:file-entry>'
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "a.ods", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(
                name, data.replace(b'xml"/>', b'xml"' + mark, 1) if "META" in name else data
            )
    with pytest.raises(TableError, match=r"a\.ods: the workbook is encrypted; save it"):
        open_table(tmp_path / "a.ods")


def test_options_that_say_nothing_of_a_workbook(write, tmp_path):
    path = write({"Data": [HEADER, ["a", "b"]]})
    delimited, text = r"a \.csv or \.tsv file", "a text file"
    for option, value, fits in [
        ("delimiter", ";", delimited),
        ("quoting", "none", delimited),
        ("escape", "\\", delimited),
        ("encoding", "cp1252", text),
    ]:
        with pytest.raises(ConfigError, match=rf"--{option} is for {fits}, and .*a\.\w+ is none"):
            open_table(path, **{option: value})
    (tmp_path / "a.csv").write_text("text\na\n")
    with pytest.raises(ConfigError, match=r"--sheet is for a workbook .* and .*a\.csv is none"):
        open_table(tmp_path / "a.csv", sheet="Data")


def test_a_missing_package_names_the_file(write, monkeypatch):
    path = write({"Data": [HEADER, ["a", "b"]]})
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'glossator\[excel\]'") as found:
        open_table(path)
    assert found.value.file == str(path)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.ods"])
def test_answers_are_not_written_to_a_workbook(tmp_path, name):
    with (
        pytest.raises(TableError, match=r"expected \.jsonl, \.csv, \.tsv or \.parquet"),
        answer_writer(tmp_path / name),
    ):
        pass
    assert not list(tmp_path.iterdir())
