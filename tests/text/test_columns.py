"""Columns by name, and what counts as text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from glossator.errors import ColumnError
from glossator.text.columns import LabelledText, check_columns, labelled_texts, select
from glossator.text.tables import Rejection, Row, open_table


def table(tmp_path, header):
    path = tmp_path / "tickets.csv"
    path.write_text(header + "\n")
    return open_table(path)


def test_a_missing_column_lists_the_columns_and_the_nearest(tmp_path):
    with pytest.raises(ColumnError) as caught:
        check_columns(table(tmp_path, "text,label"), ["label", "txet"])
    assert str(caught.value) == (
        f"column 'txet' is not in {tmp_path / 'tickets.csv'}; it has: text, label; "
        "did you mean 'text'?"
    )


def test_hints_and_long_lists(tmp_path):
    with pytest.raises(ColumnError, match="expected ','"):
        check_columns(table(tmp_path, "text;label"), ["text"])
    with pytest.raises(ColumnError, match="--format tsv"):
        check_columns(table(tmp_path, "text\tlabel"), ["text"])
    with pytest.raises(ColumnError, match=r"c19 and 80 more$"):
        check_columns(table(tmp_path, ",".join(f"c{i}" for i in range(100))), ["zzz"])


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ("", ""), (7, "7"), (1.5, "1.5"), (True, "true"), (Decimal("1.10"), "1.10")],
)
def test_what_is_text(value, text):
    assert select(Row("a", 2, {"text": value}), ["text"]) == text


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}, float("nan"), b"a"])
def test_what_is_no_text_is_rejected(value):
    got = select(Row("a", 2, {"text": value}), ["text"])
    assert isinstance(got, Rejection)
    assert got.kind == "not_text"
    assert got.line == 2


def test_columns_are_joined_with_a_newline_and_missing_ones_reject():
    row = Row("a", 2, {"title": "t", "body": "b"})
    assert select(row, ["title", "body"]) == "t\nb"
    got = select(row, ["title", "text"])
    assert isinstance(got, Rejection)
    assert got.kind == "missing_column"


def test_labelled_texts():
    first = Row("a", 1, {"text": "x", "label": 1})
    items = [first, Rejection("a", 2, "ragged", ""), Row("a", 3, {"text": "y", "label": None})]
    got = list(labelled_texts(items, ["text"], "label"))
    assert got[0] == LabelledText(first, "x", "1")
    assert [item.kind for item in got[1:]] == ["ragged", "not_text"]
    assert [item.label for item in labelled_texts([first], ["text"], None)] == [""]
