"""Files that are not UTF-8: the advice names the encoding that gives letters; `auto` takes it."""

from __future__ import annotations

import pytest

from glossator.errors import TableError
from glossator.text.preflight import preflight
from glossator.text.tables import open_table

TEXTS = {
    "cp1252": "It’s a “quoted” text – naïve café",
    "gb18030": "我的信用卡还没有到，请问什么时候可以收到？这家酒店很好",
    "big5": "我的信用卡還沒有到，請問什麼時候可以收到？這家酒店很好",
    "cp932": "カードがまだ届いていません。いつ届きますか？日本語のテキストです",
    "cp949": "카드가 아직 도착하지 않았습니다. 언제 도착합니까?",
    "cp1251": "Моя карта ещё не пришла, когда она придёт?",
    "utf_16_le": "text, 你好",
}


def file(tmp_path, encoding, text, rows=5):
    path = tmp_path / "a.csv"
    path.write_bytes(("text;label\nplain;x\n" + f"{text};y\n" * rows).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("rows", [5, 2_000])
def test_the_advice_names_the_encoding_and_auto_takes_it(tmp_path, encoding, rows):
    path = file(tmp_path, encoding, TEXTS[encoding], rows)
    with pytest.raises(TableError, match=rf"--encoding {encoding}\b"):
        list(open_table(path))
    table = open_table(path, encoding="auto")
    assert [item.values["text"] for item in table] == ["plain", *[TEXTS[encoding]] * rows]
    assert f"{path}: read as {encoding}, which decodes the whole file" in table.notes
    assert table.dialect.encoding == encoding


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "ascii"])
def test_auto_says_nothing_where_nothing_was_to_be_found(tmp_path, encoding):
    path = file(tmp_path, encoding, "plain")
    table = open_table(path, encoding="auto")
    assert len(list(table)) == 6
    assert not any("decodes the whole file" in note for note in table.notes)


def test_a_single_curly_quote_is_of_windows(tmp_path):
    with pytest.raises(TableError, match="--encoding cp1252"):
        list(open_table(file(tmp_path, "cp1252", "It’s", 1)))


def test_what_no_encoding_decodes_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text\n" + bytes(range(1, 256)) * 3)
    with pytest.raises(TableError, match="no encoding was found"):
        open_table(path, encoding="auto")


def test_windows_text_read_as_latin_1_is_a_finding(tmp_path):
    path = file(tmp_path, "cp1252", TEXTS["cp1252"])
    table = open_table(path, encoding="latin-1")
    assert len(list(table)) == 6
    found = preflight([], notes=table.notes).findings
    (finding,) = [x for x in found if "control characters" in x.message]
    assert "--encoding cp1252" in finding.message
    assert finding.message.endswith("line 3")
    table = open_table(file(tmp_path, "latin-1", "café"), encoding="latin-1")
    assert len(list(table)) == 6
    assert not any("control" in note for note in table.notes)
