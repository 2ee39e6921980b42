"""Documents come out of files as they lie there, or one clear line says why not."""

from __future__ import annotations

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from glossator.errors import ColumnError, TableError
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.corpus.documents import documents
from glossator.text import decoding

PLAIN = CorpusConfig()
TEXT = "one .\ntwo .\n\n \n\nthree .\n"
EXPECTED = [("one .", "two ."), ("three .",)]


def read(path, config=PLAIN):
    return [document.sentences for document in documents([str(path)], config)]


def write(path, data):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_an_empty_line_ends_a_document_and_a_line_end_a_sentence(tmp_path):
    path = write(tmp_path / "a.txt", TEXT)
    assert read(path) == EXPECTED
    assert [d.line for d in documents([str(path)], PLAIN)] == [1, 6]
    assert read(write(tmp_path / "b.md", TEXT.replace("\n", "\r\n"))) == EXPECTED


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed(tmp_path, suffix):
    packed = gzip.compress(TEXT.encode()) if suffix == ".gz" else zstandard.compress(TEXT.encode())
    assert read(write(tmp_path / f"a.txt{suffix}", packed)) == EXPECTED


def test_several_zstd_frames_are_one_text(tmp_path):
    frames = b"".join(zstandard.compress(part.encode()) for part in (TEXT[:7], TEXT[7:]))
    assert read(write(tmp_path / "a.zst", frames)) == EXPECTED


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_torn_file_is_an_error(tmp_path, suffix):
    text = "".join(f"line {i}\n" for i in range(20000)).encode()
    packed = gzip.compress(text) if suffix == ".gz" else zstandard.compress(text)
    path = write(tmp_path / f"a.txt{suffix}", packed[: len(packed) // 2])
    with pytest.raises(TableError, match="damaged or cut short"):
        read(path)


def test_a_row_is_a_document(tmp_path):
    rows = [{"text": "one .\ntwo ."}, {"text": "  "}, {"text": "three ."}]
    path = write(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read(path) == EXPECTED
    table = pyarrow.table({"text": [row["text"] for row in rows]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == EXPECTED


def test_sentences_end_at_their_marks_where_asked_for(tmp_path):
    text = 'He said "no." Then 3.5 left! 你好。“再见。”他走了。 end\n'
    got = read(write(tmp_path / "a.txt", text), CorpusConfig(sentences="punctuation"))
    assert got == [('He said "no."', "Then 3.5 left!", "你好。", "“再见。”", "他走了。", "end")]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.txt", b"\n \n\n", "no document is in it"),
        ("a.txt", b"good line\n" * 9 + b"\x00\x01\x02\n", "NUL bytes"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)), "not UTF-8 .* is this a text file"),
        ("a.txt", "grün\n".encode("latin-1"), "--encoding cp1252"),
        ("a.txt", "中文".encode("gb18030") * 9, "gives letters: --encoding gb18030$"),
        ("a.jsonl", b'{"body": "x"}\n', "column 'text' is not there; it has: body"),
        ("a.jsonl", b'{"text": 3}\n', "expected a text"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', "surrogate"),
        ("a.jsonl", b'{"text": \n', "not JSON"),
        ("a.parquet", b"PAR1", "Parquet"),
    ],
)
def test_what_is_no_text_is_refused_with_the_file(tmp_path, name, data, message):
    path = write(tmp_path / name, data)
    with pytest.raises(TableError, match=message) as caught:
        read(path)
    assert caught.value.file == str(path)


def test_a_missing_file_and_a_missing_column_name_the_nearest(tmp_path):
    write(tmp_path / "corpus.txt", "x")
    with pytest.raises(TableError, match=r"did you mean 'corpus.txt'"):
        read(tmp_path / "corpsu.txt")
    with pytest.raises(ColumnError, match="--column names another"):
        read(write(tmp_path / "b.jsonl", '{"body": "x"}\n'))


def test_an_endless_line_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "LINE_LIMIT", 1000)
    with pytest.raises(TableError, match="longer than 1000 characters"):
        read(write(tmp_path / "a.txt", "short\n" + "x" * 5000))
