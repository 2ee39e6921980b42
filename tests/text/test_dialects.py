"""Tables as spreadsheets, pandas, databases and dumps write them: how they are read is found."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from glossator.errors import ConfigError, TableError
from glossator.text.config import TableConfig
from glossator.text.tables import Rejection, Row, Table, open_table, read_tables


def write(path: Path, data: str) -> Path:
    path.write_bytes(gzip.compress(data.encode()) if path.suffix == ".gz" else data.encode())
    return path


def values(table: Table) -> list[tuple]:
    items = list(table)
    assert all(isinstance(item, Row) for item in items), items
    return [tuple(item.values.values()) for item in items]


# Separators


@pytest.mark.parametrize("delimiter", [";", "|", "\t", ","])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_the_separator_is_found_from_the_header_and_the_rows(tmp_path, delimiter, name):
    lines = (("text", "label"), ("1,5 is a lot", "x"), ('"say ""hi"""', "y"))
    if delimiter == ",":
        lines = (lines[0], ('"1,5 is a lot"', "x"), lines[2])
    table = open_table(write(tmp_path / name, "".join(f"{delimiter.join(x)}\n" for x in lines)))
    assert table.columns == ("text", "label")
    assert values(table) == [("1,5 is a lot", "x"), ('say "hi"', "y")]
    assert table.dialect.delimiter == delimiter
    assert [note.partition(": ")[2].partition(":")[0] for note in table.notes] == (
        [] if delimiter == "," else ["separator"]
    )


def test_the_line_that_excel_writes_above_the_header(tmp_path):
    table = open_table(write(tmp_path / "a.csv", 'sep=;\r\ntext;label\r\na,b;x\r\n"c";y\r\n'))
    assert table.columns == ("text", "label")
    assert [(item.line, item.values["text"]) for item in table] == [(3, "a,b"), (4, "c")]
    assert "header: line 2" in table.dialect.lines()
    assert open_table(tmp_path / "a.csv", delimiter=",").columns == ("text;label",)


def test_two_separators_that_fit_equally_are_refused(tmp_path):
    path = write(tmp_path / "a.csv", "text,label;more\na,b;c\n")
    with pytest.raises(TableError, match=r"',' \(comma\) and ';' \(semicolon\).*--delimiter"):
        open_table(path)
    assert open_table(path, delimiter=";").columns == ("text,label", "more")
    assert open_table(path, delimiter=",").columns == ("text", "label;more")


def test_the_rows_settle_what_the_header_does_not(tmp_path):
    path = write(tmp_path / "a.csv", "text;a,label\nb;x\nc, d, e;y\n")
    assert open_table(path).dialect.delimiter == ";"


@pytest.mark.parametrize("data", ["text\na;b\nc|d\n", "a; b|c\nx\ny\n", "text,label\na;b\nc;d\n"])
def test_prose_with_separators_stays_as_it_was(tmp_path, data):
    assert open_table(write(tmp_path / "a.csv", data)).dialect.delimiter == ","


@pytest.mark.parametrize("name", ["tab", "\t", "\\t"])
def test_a_separator_by_name(name):
    assert TableConfig(delimiter=name).delimiter == "\t"


@pytest.mark.parametrize(
    "options",
    [{"delimiter": ";;"}, {"delimiter": "x"}, {"escape": '"'}, {"delimiter": "\\", "escape": "\\"}],
)
def test_options_that_cannot_be(options):
    with pytest.raises(ConfigError, match=r"--(delimiter|escape)"):
        TableConfig(**options)


# Headers


def test_the_nameless_index_of_pandas_has_a_name(tmp_path):
    table = open_table(write(tmp_path / "a.csv", ",text,label\n0,a,x\n7,b,y\n"))
    assert table.columns == ("index", "text", "label")
    assert values(table) == [("0", "a", "x"), ("7", "b", "y")]
    assert "here it is called 'index'" in table.notes[0]
    assert open_table(write(tmp_path / "b.csv", ",index\n0,a\n")).columns == ("index_1", "index")


def test_spaces_round_a_name(tmp_path):
    table = open_table(write(tmp_path / "a.csv", " text , label \n a , x \n"))
    assert table.columns == ("text", "label")
    assert values(table) == [(" a ", " x ")]
    assert "spaces round the names" in table.notes[0]


def test_a_name_that_differs_by_case_alone(tmp_path):
    path = write(tmp_path / "a.csv", "Text,LABEL\na,x\n")
    table = read_tables([path], ["text", "label"])
    assert table.columns == ("text", "label")
    assert values(table) == [("a", "x")]
    assert f"{path}: column 'Text' is read as 'text'" in table.notes
    with pytest.raises(TableError, match="did you mean"):
        read_tables([write(tmp_path / "b.csv", "Text,TEXT\na,x\n")], ["Texts"])
    with pytest.raises(TableError, match="'text' is not in"):
        read_tables([tmp_path / "b.csv"], ["text"])


def test_no_header(tmp_path):
    path = write(tmp_path / "a.csv", "x;a, b\ny;c\n")
    table = open_table(path, columns=("label", "text"))
    assert table.columns == ("label", "text")
    assert [(item.line, *item.values.values()) for item in table] == [
        (1, "x", "a, b"),
        (2, "y", "c"),
    ]
    assert table.dialect.delimiter == ";"
    items = list(open_table(path, columns=("label", "text"), delimiter=","))
    assert [type(item) for item in items] == [Row, Rejection]


# Quotes


def test_quotes_of_tsv_are_characters_unless_the_whole_file_is_well_quoted(tmp_path):
    path = write(tmp_path / "a.tsv", 'label\ttext\nham\t"never closed\nspam\tsay "hi"\nham\tx\n')
    table = open_table(path)
    assert values(table) == [("ham", '"never closed'), ("spam", 'say "hi"'), ("ham", "x")]
    assert any("quotes: are characters, found" in note for note in table.notes)
    with pytest.raises(TableError, match=r"a.tsv:2: .*--quoting none") as caught:
        list(open_table(path, quoting="minimal"))
    assert caught.value.line == 2
    good = write(tmp_path / "b.tsv", 'label\ttext\nham\t"a\tb\nc"\nspam\t"say ""hi"""\n')
    assert values(open_table(good)) == [("ham", "a\tb\nc"), ("spam", 'say "hi"')]
    assert open_table(good).notes == []
    assert list(open_table(good, quoting="none"))[-1].values["text"] == '"say ""hi"""'


def test_quotes_that_happen_to_close_lines_later_swallow_nothing(tmp_path):
    path = write(tmp_path / "a.tsv", 'l\tt\nham\t"one\nham\ttwo\nham\tthree"\n')
    with pytest.raises(TableError, match="--quoting minimal or --quoting none"):
        open_table(path)
    assert len(values(open_table(path, quoting="none"))) == 3
    assert len(values(open_table(path, quoting="minimal"))) == 1


def test_a_table_wholly_in_quotes_is_well_quoted(tmp_path):
    path = write(tmp_path / "a.tsv", '"l"\t"t"\n"x\ty\nz"\t"w"\n')
    assert values(open_table(path)) == [("x\ty\nz", "w")]


ESCAPED = 'text,label\n"he said \\"hi\\", and C:\\new",x\n"a\\\\b",y\n'


def test_quotes_escaped_with_a_backslash(tmp_path):
    table = open_table(write(tmp_path / "a.csv", ESCAPED))
    right = [('he said "hi", and C:\\new', "x"), ("a\\b", "y")]
    assert values(table) == right
    assert any("takes its meaning from a quote, found" in note for note in table.notes)
    assert values(open_table(tmp_path / "a.csv", escape="\\")) == right
    with pytest.raises(TableError, match="--escape") as caught:
        list(open_table(tmp_path / "a.csv", quoting="minimal"))
    assert caught.value.line == 2


def test_backslashes_of_a_file_that_fits_as_it_is_are_characters(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"C:\\",x\n"say ""hi\\""",y\n\\\\server\\,z\n')
    assert values(open_table(path)) == [("C:\\", "x"), ('say "hi\\"', "y"), ("\\\\server\\", "z")]
    assert open_table(path).notes == []
