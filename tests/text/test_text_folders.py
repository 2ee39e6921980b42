"""A folder of .txt files: a file a text, a folder a label, in the order of the names."""

from __future__ import annotations

import gzip
import os
import sys
import tracemalloc

import pytest

from glossator.errors import ConfigError, TableError
from glossator.text import text_folder
from glossator.text.tables import Rejection, Row, open_table


@pytest.fixture
def put(tmp_path):
    """Write files by their path in the folder `texts`; its name."""

    def write(files: dict[str, bytes | str]) -> str:
        for name, content in files.items():
            path = tmp_path / "texts" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(tmp_path / "texts")

    return write


def test_a_file_is_a_text_and_its_folder_the_label(put):
    path = put({"pos/b.txt": "good\n\nfilm\n", "pos/a.TXT": "fine", "neg/c.txt": "bad\r\n"})
    table = open_table(path + "/")
    assert table.columns == ("text", "label", "file")
    assert (
        list(table)
        == list(table)
        == [
            Row(f"{path}/neg/c.txt", 1, {"text": "bad", "label": "neg", "file": "neg/c.txt"}),
            Row(f"{path}/pos/a.TXT", 1, {"text": "fine", "label": "pos", "file": "pos/a.TXT"}),
            Row(
                f"{path}/pos/b.txt",
                1,
                {"text": "good\n\nfilm", "label": "pos", "file": "pos/b.txt"},
            ),
        ]
    )
    assert table.notes == []


def test_what_else_lies_in_it(put):
    files = {"a/x.txt": "1", "a/x.pdf": "2", "b/y.doc": "3", ".git/z.txt": "4", "a/.x.txt": "5"}
    path = put(files)
    table = open_table(path)
    assert [item.values["text"] for item in table] == ["1"]
    said = "2 files that are no .txt left out; the first is a/x.pdf"
    assert table.notes == [f"{path}: {said}"]


def test_files_that_lie_deeper_or_in_no_folder(put):
    path = put({"pos/2024/may/a.txt": "x", "root.txt": "y"})
    table = open_table(path)
    assert [(i.values["label"], i.values["file"]) for i in table] == [
        ("pos", "pos/2024/may/a.txt"),
        ("", "root.txt"),
    ]
    said = "the label is the first folder of a path, as of pos/2024/may/a.txt"
    assert table.notes == [f"{path}: {said}"]


def test_a_folder_without_folders_has_no_labels(put):
    table = open_table(put({"a.txt": "x", "b.txt": ""}))
    assert table.columns == ("text", "file")
    assert [item.values for item in table] == [
        {"text": "x", "file": "a.txt"},
        {"text": "", "file": "b.txt"},
    ]


def test_encodings(put):
    path = put({"a/x.txt": "café".encode("cp1252"), "a/y.txt": "fine"})
    with pytest.raises(TableError, match=r"texts/a/x\.txt:1: byte 0xe9.*--encoding cp1252"):
        list(open_table(path))
    assert [i.values["text"] for i in open_table(path, encoding="cp1252")] == ["café", "fine"]
    marked = put({"a/x.txt": "café".encode("utf-16"), "a/y.txt": "\ufeffé", "a/z.txt": "\ufeffü"})
    table = open_table(marked)
    assert [item.values["text"] for item in table] == ["café", "é", "ü"]
    assert [note.removeprefix(f"{path}: ") for note in table.notes] == [
        "read as UTF-16, as its byte order mark says; the first such file is a/x.txt",
        "read as UTF-8, as its byte order mark says; the first such file is a/y.txt",
    ]


def test_gzip(put):
    path = put({"a/x.txt.gz": gzip.compress(b"packed\n"), "a/y.txt": "plain"})
    assert [item.values["text"] for item in open_table(path)] == ["packed", "plain"]
    put({"a/x.txt.gz": gzip.compress(b"packed\n" * 99)[:-9]})
    with pytest.raises(TableError, match=r"x\.txt\.gz:.*damaged or cut short"):
        list(open_table(path))


def test_texts_that_cannot_be_used(put, monkeypatch):
    monkeypatch.setattr(text_folder, "LINE_LIMIT", 20)
    path = put({"a/long.txt": "123456789\n" * 3, "a/nul.txt": "a\nb\0", "a/ok.txt": "fine"})
    items = list(open_table(path))
    assert [getattr(item, "kind", "") for item in items] == ["too_long", "nul", ""]
    assert isinstance(items[0], Rejection)
    assert items[0].source.endswith("long.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are Unicode")
def test_a_name_that_is_not_utf8(put):
    path = put({"a/ok.txt": "fine"})
    with open(os.fsencode(path) + b"/a/caf\xe9.txt", "wb") as file:
        file.write(b"x")
    (item, _) = open_table(path)
    assert isinstance(item, Rejection)
    assert item.kind == "lone_surrogate"
    assert item.source.encode().endswith(b"/a/caf?.txt")


def test_links_are_followed_and_not_in_circles(put, tmp_path):
    path = put({"a/x.txt": "1"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y.txt").write_text("2")
    (tmp_path / "texts" / "b").symlink_to(tmp_path / "b")
    (tmp_path / "texts" / "a" / "up").symlink_to(tmp_path / "texts")
    assert [item.values["file"] for item in open_table(path)] == ["a/x.txt", "b/y.txt"]
    (tmp_path / "texts" / "c.txt").symlink_to(tmp_path / "nothing")
    with pytest.raises(TableError, match=r"c\.txt: there is no such file"):
        list(open_table(path))


def test_folders_that_are_no_tables(put, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match=r"empty: is a folder without \.txt files"):
        open_table(tmp_path / "empty")
    with pytest.raises(TableError, match="is a model folder; expected a table"):
        open_table(put({"config.json": "{}", "vocab.txt": "a"}))
    with pytest.raises(TableError, match=r"is a folder; name the files in it.*--format csv"):
        open_table(tmp_path, format="csv")


@pytest.mark.parametrize("option", [{"delimiter": ";"}, {"columns": ("text",)}, {"sheet": "a"}])
def test_options_that_say_nothing_of_a_folder(put, option):
    with pytest.raises(ConfigError, match=rf"--{next(iter(option))} is for .*texts is none"):
        open_table(put({"a/x.txt": "1"}), **option)


def test_one_text_is_in_memory_at_a_time(put):
    path = put({f"a/{number}.txt": "x" * 2**20 for number in range(20)})
    tracemalloc.start()
    try:
        assert sum(len(item.values["text"]) for item in open_table(path)) == 20 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
