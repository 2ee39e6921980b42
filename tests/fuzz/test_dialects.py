"""Every dialect that Python's `csv` writes comes back: exact rows, or one error; no wrong row."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import TableError
from glossator.text.tables import Row, open_table

SPECIAL = st.sampled_from([*'",;|\t\\\n\r', "\r\n", '""', '\\"', "\\\\", "a", "b c", "é", "1"])
FIELD = st.lists(SPECIAL, max_size=5).map("".join)
NAMES = ["text", "label", "id"]


@st.composite
def tables(draw):
    width = draw(st.integers(2, 3))
    return [NAMES[:width], *draw(st.lists(st.lists(FIELD, min_size=width, max_size=width)))]


DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;|\t"),
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
        # The writer leaves a line end in a field bare that is not in its own line terminator.
        "lineterminator": st.just("\r\n"),
    }
)


def write(path: Path, rows, **dialect) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    path.write_bytes(text.getvalue().encode())
    return text.getvalue()


def read(path: Path, **options) -> list[list[str]] | None:
    """The header and the rows; None where one clear error, or a rejection, says what is wrong."""
    try:
        table = open_table(path, **options)
        items = list(table)
    except TableError as error:
        return None if str(path) in str(error) else [["no file in", str(error)]]
    if not all(isinstance(item, Row) for item in items):
        return None
    return [list(table.columns), *(list(item.values.values()) for item in items)]


@settings(max_examples=300, deadline=None)
@given(rows=tables(), dialect=DIALECTS, name=st.sampled_from(["a.csv", "a.tsv"]))
def test_what_doubles_its_quotes(folder, rows, dialect, name):
    path = folder / name
    write(path, rows, **dialect)
    asked = {"delimiter": dialect["delimiter"], "quoting": "minimal"}
    assert read(path, **asked) == rows
    if name == "a.csv" or dialect["delimiter"] == "\t":
        assert read(path) in (rows, None)
    if dialect["quoting"] == csv.QUOTE_ALL and name == "a.csv":
        assert read(path) == rows


@settings(max_examples=300, deadline=None)
@given(
    rows=tables(),
    dialect=DIALECTS,
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONE]),
)
def test_what_escapes_them(folder, rows, dialect, quoting):
    dialect |= {"quoting": quoting, "doublequote": False, "escapechar": "\\"}
    path = folder / "a.csv"
    text = write(path, rows, **dialect)
    asked = "none" if quoting == csv.QUOTE_NONE else "minimal"
    assert read(path, delimiter=dialect["delimiter"], escape="\\", quoting=asked) == rows
    # Unasked, a file that is whole by RFC 4180 is read by it, whatever wrote it.
    got = read(path)
    assert got in (rows, None) or got in readings(text, dialect["delimiter"])


def readings(text: str, delimiter: str) -> Iterator[list[list[str]]]:
    """The table by RFC 4180, and between tabs with quotes as characters."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)[: 1 + (delimiter == "\t")]:
        lines = io.StringIO(text, newline="")
        with contextlib.suppress(csv.Error):
            records = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
            yield [fields for fields in records if fields]
