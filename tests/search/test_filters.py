"""Conditions on columns."""

from __future__ import annotations

import pytest

from glossator.errors import ColumnError, ConfigError
from glossator.search import build_index, open_index


@pytest.fixture
def index(tmp_path):
    rows = [
        {"id": 1, "text": "card one", "lang": "en", "year": 2019, "new": True, "x y": "="},
        {"id": 2, "text": "card two", "lang": "zh", "year": "2021", "new": False, "x y": 'b"q'},
        {"id": 3, "text": "card three", "lang": "", "year": "soon", "new": None},
        {"id": 4, "text": "card four", "lang": "en", "year": 2019.5, "day": "2024-05-31"},
    ]
    build_index(tmp_path / "i", rows, id="id")
    with open_index(tmp_path / "i") as opened:
        yield opened


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["lang=en"], "14"),
        (["lang = en "], "14"),
        (["lang!=en"], "23"),
        (["lang="], "3"),
        (["LANG=zh"], "2"),
        (["year>=2020"], "2"),
        (["year>2019"], "24"),
        (["year<2019.6"], "14"),
        (["year=2019"], "1"),
        (["new=true"], "1"),
        (["new!=true"], "234"),
        (["day>=2024-05-01"], "4"),
        (["day>=2024-06-01"], ""),
        (["lang=en", "year=2019"], "1"),
        (["x y=="], "1"),
        (['x y=b"q'], "2"),
        (["lang=en' or '1'='1"], ""),
        ([], "1234"),
    ],
)
def test_a_hit_meets_every_condition(index, where, expected):
    (hits,) = index.search(["card"], where=tuple(where))
    assert sorted(hit.id for hit in hits) == list(expected)


def test_a_column_that_is_not_there_is_told(index):
    with pytest.raises(ColumnError, match=r"column 'lnag' is not in .*; it has: id, text, lang, "):
        index.search(["card"], where=("lnag=en",))
    with pytest.raises(ColumnError, match="did you mean 'lang'"):
        index.search(["card"], where=("lnag=en",))


@pytest.mark.parametrize("where", ["lang", "=en", "", "lang~en"])
def test_a_condition_that_is_none_is_told(index, where):
    with pytest.raises(ConfigError, match="expected COLUMN=VALUE"):
        index.search(["card"], where=(where,))
