"""The bad input of the world against the readers: exact rows, or one error with file and line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from glossator.errors import ColumnError, ConfigError, TableError
from glossator.text import decoding, delimited
from glossator.text.tables import Rejection, Row, Table, open_table, read_tables


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def rows(table: Table) -> list[dict]:
    return [item.values for item in table if isinstance(item, Row)]


def rejections(table: Table) -> list[Rejection]:
    return [item for item in table if isinstance(item, Rejection)]


def refused(path: Path, **options: str) -> TableError:
    """The error that opening or reading `path` raises."""
    with pytest.raises(TableError) as caught:
        list(open_table(path, **options))
    assert "\n" not in str(caught.value)
    return caught.value


def test_values_of_csv_are_never_changed(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n00123,NA\n,nan\n 1.0 ,null\n")
    assert [tuple(row.values()) for row in rows(open_table(path))] == [
        ("00123", "NA"),
        ("", "nan"),
        (" 1.0 ", "null"),
    ]


def test_lines_are_physical_and_count_newlines_inside_fields(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"one\ntwo",x\n\nthree,y\n')
    table = open_table(path)
    assert [(item.line, item.values["text"]) for item in table] == [(2, "one\ntwo"), (5, "three")]
    assert list(table) == list(table)
    assert table.notes == [f"{path}: blank lines are skipped; the first is line 4"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path, end):
    path = write(tmp_path / "a.csv", f"text,label{end}a,x{end}b,y")
    table = open_table(path)
    assert [item.line for item in table] == [2, 3]
    assert rows(table) == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


@pytest.mark.parametrize("field", ["a\r\nb", "a\rb", "a\nb", 'say "hi"', "a,b", "\u2028", "\x1c"])
def test_odd_characters_inside_a_field(tmp_path, field):
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["text", "label"], [field, "x"]])
    path = write(tmp_path / "a.csv", buffer.getvalue())
    assert rows(open_table(path)) == [{"text": field, "label": "x"}]


@pytest.mark.parametrize("size", [200_000, 10_000_000])
def test_large_fields_are_exact(tmp_path, size):
    text = "0123456789" * (size // 10)
    path = write(tmp_path / "a.csv", f'text,label\n"{text}",x\n')
    assert rows(open_table(path))[0]["text"] == text
    path = write(tmp_path / "a.jsonl", json.dumps({"text": text}) + "\n")
    assert rows(open_table(path))[0]["text"] == text


def test_ragged_rows_are_rejected_by_line(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"a\nb",x\nalone\nc,y,z\nd,w\n')
    table = open_table(path)
    assert [(item.line, isinstance(item, Row)) for item in table] == [
        (2, True),
        (4, False),
        (5, False),
        (6, True),
    ]
    first, second = rejections(table)
    assert first.kind == "ragged"
    assert first.values == {"text": "alone"}
    assert second.to_error() == {
        "kind": "ragged",
        "message": "expected 2 fields as in the header, got 3",
        "line": 5,
    }


UNCLOSED = 'text,label\nfine,x\n"never closed,y\nc,z\nd,w\n'


def test_an_unclosed_quote_names_the_line_where_its_row_starts(tmp_path):
    error = refused(write(tmp_path / "a.csv", UNCLOSED))
    assert error.line == 3
    assert "never closed" in error.message
    error = refused(write(tmp_path / "b.csv", 'text,label\n"a\nb",x\n"c,"d",e\n'))
    assert error.line == 4


def test_canary_a_lenient_reader_swallows_the_rows():
    """The control: without strict, two rows vanish inside the third and nothing is said."""
    lenient = list(csv.reader(io.StringIO(UNCLOSED, newline="")))
    assert len(lenient) == 3
    assert "c,z" in lenient[-1][0]


def test_an_unclosed_quote_costs_no_more_than_the_field_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "FIELD_LIMIT", 2**20)
    before = csv.field_size_limit(2**17)
    try:
        path = write(tmp_path / "a.csv", 'text,label\n"open,x\n' + "y" * 99 + "\n")
        with open(path, "a") as file:
            file.writelines(["a line of some words that goes on,x\n"] * 600_000)
        tracemalloc.start()
        error = refused(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    finally:
        csv.field_size_limit(before)
    assert error.line == 2
    assert "larger than 1048576 characters" in error.message
    assert peak < 12 * 2**20 < path.stat().st_size


def test_a_stray_quote_inside_a_quoted_field(tmp_path):
    error = refused(write(tmp_path / "a.csv", 'text,label\na,x\n"say "hi"",y\n'))
    assert error.line == 3
    assert "written twice" in error.message


@pytest.mark.parametrize(
    ("encoding", "mark", "name"),
    [
        ("utf-8", codecs.BOM_UTF8, "UTF-8"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "UTF-32"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".csv.gz"])
def test_byte_order_marks_are_read_as_such(tmp_path, encoding, mark, name, suffix):
    text = '{"text": "你好"}\n' if "jsonl" in suffix else "text\n你好\n"
    data = mark + text.encode(encoding)
    path = write(tmp_path / f"a{suffix}", gzip.compress(data) if "gz" in suffix else data)
    table = open_table(path, encoding="latin-1")
    assert table.columns == ("text",)
    assert rows(table) == [{"text": "你好"}]
    assert table.notes == [
        f"{path}: read as {name}, as its byte order mark says",
        f"{path}: the encoding iso8859-1 that was asked for was not used",
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "gb18030"])
def test_other_encodings(tmp_path, encoding):
    text = "é" if encoding == "latin-1" else "信用卡"
    path = write(tmp_path / "a.csv", f"text\n{'x' * 20_000}\n{text}\n".encode(encoding))
    assert rows(open_table(path, encoding=encoding))[1] == {"text": text}
    error = refused(path)
    assert error.line == 3
    assert error.file == str(path)
    assert "byte 0x" in error.message
    assert "gb18030" in error.message


def test_the_line_of_a_bad_byte_with_newlines_in_fields_and_at_the_end(tmp_path):
    good = b'text\r\n"a\r\nb"\r\n' * 1_000
    assert refused(write(tmp_path / "a.csv", good + b"caf\xe9\r\n")).line == 3_001
    assert refused(write(tmp_path / "b.csv", good + b"caf\xc3")).line == 3_001
    lines = b'{"text": "a\xe2\x80\xa8b\\r"}\n' * 1_000
    assert refused(write(tmp_path / "c.jsonl", lines + b'{"text": "\xff"}')).line == 1_001


def test_unknown_encodings_and_formats(tmp_path):
    path = write(tmp_path / "a.csv", "text\na\n")
    for encoding in ("utf-9", "hex", "a\0b"):
        with pytest.raises(ConfigError, match="unknown encoding"):
            open_table(path, encoding=encoding)
    with pytest.raises(ConfigError, match=r"unknown format 'cvs'.*did you mean 'csv'"):
        open_table(path, format="cvs")
    assert "--format" in refused(write(tmp_path / "a.xlsx", b"PK")).message


def test_nul_bytes(tmp_path):
    assert "UTF-16" in refused(write(tmp_path / "a.csv", "text\nx\n".encode("utf-16-le"))).message
    assert refused(write(tmp_path / "b.jsonl", bytes(5_000))).line == 1
    assert "utf-16-le" in refused(tmp_path / "a.csv", encoding="utf-16").message
    assert len(rows(open_table(tmp_path / "a.csv", encoding="utf-16-le"))) == 1
    path = write(tmp_path / "c.csv", "text\na\nb\0c\nd\n")
    assert [(item.line, item.kind) for item in rejections(open_table(path))] == [(3, "nul")]
    assert len(rows(open_table(path))) == 2


def test_missing_folder_and_empty(tmp_path):
    write(tmp_path / "tickets.csv", "text\na\n")
    error = refused(tmp_path / "tickest.csv")
    assert error.exit_code == 2
    assert "did you mean 'tickets.csv'?" in error.message
    assert "no such file" in refused(tmp_path / "none" / "x.csv").message
    assert "cannot be read" in refused(tmp_path / ("x" * 300 + ".csv")).message
    (tmp_path / "folder.csv").mkdir()
    assert "folder" in refused(tmp_path / "folder.csv").message
    for name in ("empty.csv", "empty.jsonl", "empty.txt"):
        for data in (b"", codecs.BOM_UTF16_LE):
            assert "empty" in refused(write(tmp_path / name, data)).message
    for name in ("blank.csv", "blank.jsonl"):
        for data in ("\n\r\n\n", "\ufeff"):
            assert "empty" in refused(write(tmp_path / name, data)).message
    assert "empty" in refused(write(tmp_path / "e.csv.gz", gzip.compress(b""))).message


def test_header_only_is_a_table_without_rows(tmp_path):
    table = open_table(write(tmp_path / "a.csv", "text,label\n"))
    assert table.columns == ("text", "label")
    assert list(table) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("text,label,text", "column 'text' is twice"),
        (",", "column 2 of the header has no name"),
        ("text, ,label", "column 2 of the header has no name"),
        ("text,prediction", "rename it"),
    ],
)
def test_headers_that_are_refused(tmp_path, header, message):
    with pytest.raises(ColumnError, match=message) as caught:
        open_table(write(tmp_path / "a.csv", f"\n{header}\n"))
    assert caught.value.line == 2


BAD_LINES = {
    '{"text": "a", "text": "b"}': "duplicate_key",
    '{"text": "a", "x": {"y": 1, "y": 2}}': "duplicate_key",
    '{"text": NaN}': "bad_number",
    '{"text": -Infinity}': "bad_number",
    '{"text": 1e999}': "bad_number",
    '{"text": ' + "1" * 5_000 + "}": "bad_number",
    '["text"]': "not_an_object",
    '"text"': "not_an_object",
    '{"text": "a"': "bad_json",
    '{"text": "a"} {"text": "b"}': "bad_json",
    "text,label": "bad_json",
    '{"text": "a\0b"}': "bad_json",
    '{"text": ' + "[" * 100_000: "deep_nesting",
    '{"text": ' + "[" * 100 + "]" * 100 + "}": "deep_nesting",
    '{"text": "\\ud800"}': "lone_surrogate",
    '{"\\uDC00": "a"}': "lone_surrogate",
    '{"text": "a", "prediction": 1}': "column",
}


def test_bad_json_lines_are_rejected_by_line(tmp_path):
    good = '{"text": "a\\u2028b\u2028c \\ud83d\\ude00", "label": "x"}'
    lines = [good, *BAD_LINES, "", "  ", good]
    table = open_table(write(tmp_path / "a.jsonl", "\r\n".join(lines)))
    assert table.columns == ("text", "label")
    items = list(table)
    assert [item.kind for item in items[1:-1]] == list(BAD_LINES.values())
    assert [item.line for item in items] == [*range(1, len(BAD_LINES) + 2), len(lines)]
    assert items[-1].values == {"text": "a\u2028b\u2028c \U0001f600", "label": "x"}
    assert table.notes == [
        f"{tmp_path / 'a.jsonl'}: blank lines are skipped; the first is line {len(BAD_LINES) + 2}"
    ]


@pytest.mark.parametrize("line", [line for line in BAD_LINES if "prediction" not in line])
def test_a_bad_line_alone(tmp_path, line):
    if "\0" in line:
        pytest.skip("a file that begins with NUL bytes is refused")
    table = open_table(write(tmp_path / "a.jsonl", line))
    assert table.columns == ()
    assert [item.kind for item in table] == [BAD_LINES[line]]


def test_many_brackets_that_are_text_or_flat_are_no_nesting(tmp_path):
    values = {"text": "[[{" * 100, "labels": [[1]] * 100, "deep": json.loads("[" * 63 + "]" * 63)}
    path = write(tmp_path / "a.jsonl", json.dumps(values))
    assert rows(open_table(path)) == [values]


def test_json_lines_columns_are_those_of_the_first_good_row(tmp_path):
    path = write(tmp_path / "a.jsonl", 'oops\n{"text": "a"}\n{"text": "b", "more": 1}\n')
    table = open_table(path)
    assert table.columns == ("text",)
    assert [item.line for item in table] == [1, 2, 3]
    with pytest.raises(ColumnError, match="rename"):
        open_table(write(tmp_path / "b.jsonl", '{"text": "a", "prediction": {}}'))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
def test_gzip(tmp_path, suffix):
    numbers = [str(number * 7919 % 100_003) for number in range(20_000)]
    lines = {".jsonl": [f'{{"text": "{n}"}}' for n in numbers], ".txt": numbers}
    data = "\n".join(lines.get(suffix, ["text", *numbers])).encode()
    path = write(tmp_path / f"a{suffix}.gz", gzip.compress(data))
    assert [row["text"] for row in rows(open_table(path))] == numbers
    assert "cut short" in refused(write(path, gzip.compress(data)[:-2_000])).message
    assert "damaged" in refused(write(path, data)).message
    damaged = bytearray(gzip.compress(data))
    damaged[len(damaged) // 2] ^= 255
    assert "damaged" in refused(write(path, bytes(damaged))).message


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "LINE_LIMIT", 1_000)
    error = refused(write(tmp_path / "a.jsonl", '{"text": "a"}\n{"text": "' + "b" * 5_000 + '"}'))
    assert error.line == 2
    assert "longer than 1000" in error.message


def test_text_is_one_text_a_line(tmp_path):
    path = write(tmp_path / "a.txt", "one\r\n\ntwo\u2028half\nn\0l\nlast")
    table = open_table(path)
    assert [item.values["text"] for item in table] == ["one", "", "two\u2028half", "n\0l", "last"]
    assert [item.line for item in rejections(table)] == [4]


def test_gzip_is_read_whatever_its_name(tmp_path):
    table = open_table(write(tmp_path / "a.csv", gzip.compress(b"text\na\n")))
    assert [row["text"] for row in rows(table)] == ["a"]
    assert table.notes == [f"{tmp_path / 'a.csv'}: read as gzip, as its first bytes say"]


def test_a_missing_file_is_missing_whatever_its_name_ends_in(tmp_path):
    assert "no such file" in refused(tmp_path / "nowhere").message
    write(tmp_path / "a.csv", "text\na\n")
    with pytest.raises(TableError, match="no such file"):
        read_tables([tmp_path / "a.csv", tmp_path / "nowhere"])


def test_a_named_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_text, args=("text\na\nb\n",))
    thread.start()
    table = open_table(path)
    thread.join()
    assert len(rows(table)) == 2
    with pytest.raises(TableError, match="only once"):
        list(table)


def test_several_files_are_one_table(tmp_path):
    first = write(tmp_path / "a.csv", "text,label\na,x\nragged\n")
    second = write(tmp_path / "b.jsonl", '\n{"label": "y", "text": "b", "more": 1}\n')
    table = read_tables([first, second], ["text", "label"])
    assert table.columns == ("text", "label", "more")
    assert [(Path(i.source).name, i.line) for i in table] == [
        ("a.csv", 2),
        ("a.csv", 3),
        ("b.jsonl", 2),
    ]
    assert list(table) == list(table)
    assert len(table.notes) == 1
    with pytest.raises(ColumnError, match=r"column 'more' is not in .*a\.csv"):
        read_tables([first, second], ["more"])
    with pytest.raises(ConfigError):
        read_tables([])


def test_a_file_of_the_data_folder(data_dir):
    table = open_table(data_dir / "banking77" / "train.csv")
    assert table.columns[:2] == ("text", "label")
    assert not rejections(table)
