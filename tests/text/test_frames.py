"""Tables of other libraries in memory: their rows are mappings by column name."""

from __future__ import annotations

import pyarrow
import pytest

from glossator.text.frames import frame_rows

COLUMNS = {"text": ["a", "b"], "label": [1, 0]}
ROWS = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]


class Dataset:
    """What a table of `datasets` can do: it has the names of its columns, and yields its rows."""

    column_names = ("text", "label")

    def __iter__(self):
        return iter(ROWS)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library):
    module = pytest.importorskip(library)
    assert frame_rows(module.DataFrame(COLUMNS)) == ROWS


def test_a_table_that_is_not_yet_computed():
    polars = pytest.importorskip("polars")
    assert frame_rows(polars.DataFrame(COLUMNS).lazy()) == ROWS


def test_tables_of_arrow_and_data_sets():
    assert frame_rows(pyarrow.table(COLUMNS)) == ROWS
    assert frame_rows(Dataset()) == ROWS
    for other in (ROWS, ["a"], "a", {"text": "a"}):
        assert frame_rows(other) is None
