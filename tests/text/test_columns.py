"""Columns by name, and what counts as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from label_records import reader

from glossator.errors import ColumnError
from glossator.text.columns import check_columns, select
from glossator.text.records import Record
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
    with pytest.raises(ColumnError, match="--delimiter ';'"):
        check_columns(table(tmp_path, "text;label\nprose\n"), ["text"])
    with pytest.raises(ColumnError, match="--delimiter tab"):
        check_columns(table(tmp_path, "text\tlabel\nprose\n"), ["text"])
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


def test_labelled_rows():
    first = Row("a", 1, {"text": "x", "label": 1})
    assert reader().read(first, targets=True) == Record(first, ("x",), "1", ("x",))
    got = reader().read(Row("a", 3, {"text": "y", "label": None}), targets=True)
    assert isinstance(got, Rejection)
    assert (got.kind, got.line) == ("not_text", 3)
    assert reader().read(first, targets=False) == Record(first, ("x",), None, ("x",))


@pytest.mark.parametrize("role", ["text", "label"])
@pytest.mark.parametrize("value", ["", " \t\u200b\u3000\n"])
def test_what_shows_nothing_is_rejected_when_it_is_read(role, value):
    row = Row("a", 3, {"text": "y", "label": "b", role: value})
    got = reader().read(row, targets=True)
    assert isinstance(got, Rejection)
    assert (got.kind, got.message, got.line) == (f"empty_{role}", f"the {role} is empty", 3)
    # A label that is not wanted is not looked at.
    assert isinstance(reader().read(row, targets=False), Rejection) == (role == "text")
