"""`glossator index` and `glossator search` as they are typed."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from embedders import make_embedder, make_ranker

ARTICLES = [
    ["id", "title", "body", "lang"],
    ["1", "lost cards", "what to do when your card is lost abroad", "en"],
    ["2", "pin", "how to change the pin of your card", "en"],
    ["3", "丢卡", "银行卡在国外丢了怎么办", "zh"],
]


@pytest.fixture
def articles(here: Path, table) -> Path:
    """The folder that was entered, with `articles.csv`, `queries.csv` and the model `embedder`."""
    table(ARTICLES, "articles.csv")
    table([["n", "query"], ["1", "card lost"], ["2", ""], ["3", "zzz"]], "queries.csv")
    make_embedder(here / "tiny", here / "embedder")
    return here


@pytest.fixture
def indexed(articles, run):
    """The same with the index `articles-index` by words."""
    assert run("index", "articles.csv", "--text", "title,body").code == 0
    return articles


@pytest.fixture
def piped(monkeypatch):
    """Let standard input be a text."""

    def pipe(text: str) -> None:
        stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(text.encode())))
        monkeypatch.setattr(sys, "stdin", stream)

    return pipe


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_table_becomes_an_index(articles, run):
    done = run("index", "articles.csv", "--text", "title,body", "--json")
    assert done.code == 0
    assert done.err == ""
    told = done.json
    assert told["output"] == "articles-index"
    assert told["rows"] == {
        "read": 3, "added": 3, "replaced": 0, "unchanged": 0, "removed": 0, "absent": 0,
        "rejected": 0,
    }  # fmt: skip
    assert told["index"] == {
        "rows": 3, "text": ["title", "body"], "id": "id", "model": None, "vectors": None,
        "width": None, "approximate": False,
    }  # fmt: skip


def test_what_was_done_is_said(articles, run, table):
    table([*ARTICLES, ["4", " ", "", "en"]], "articles.csv")
    done = run("index", "articles.csv", "--text", "title,body", "--model", "embedder")
    assert done.code == 0
    assert done.out.startswith("articles-index: 3 rows by words, a vector a text (")
    assert "! articles.csv:5: the text is empty: rejected" in done.err
    assert "4 rows: 3 added, 1 rejected" in done.err


def test_rows_are_added_and_removed(indexed, run, table):
    table([*ARTICLES[:2], ["2", "pin", "new", "en"], ["9", "x", "y", ""]], "more.csv")
    done = run("index", "more.csv", "--output", "articles-index", "--add", "--json")
    counts = done.json["rows"]
    assert (counts["added"], counts["replaced"], counts["unchanged"]) == (1, 1, 1)
    table([["id"], ["9"], ["77"]], "gone.csv")
    done = run("index", "gone.csv", "--output", "articles-index", "--remove", "--json")
    assert (done.json["rows"]["removed"], done.json["rows"]["absent"]) == (1, 1)
    done = run("index", "--output", "articles-index", "--compact")
    assert done.out.startswith("articles-index: 3 rows by words")


def test_each_query_has_its_hits(indexed, run):
    done = run("search", "articles-index", "queries.csv", "--top-k", "1")
    assert done.code == 0
    first, empty, nothing = lines(done.out)
    assert (first["n"], first["query"]) == ("1", "card lost")
    (hit,) = first["hits"]
    assert hit.keys() == {"rank", "id", "score", "row", "words"}
    assert (hit["rank"], hit["id"], hit["words"]) == (1, "1", ["card", "lost"])
    assert hit["row"] == dict(zip(*ARTICLES[:2], strict=True))
    assert empty == {
        "n": "2", "query": "", "hits": None,
        "error": {"kind": "empty_query", "message": "the query is empty", "line": 3},
    }  # fmt: skip
    assert nothing == {"n": "3", "query": "zzz", "hits": []}
    assert "3 queries, 1 without hits, 1 rejected" in done.err


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("card lost abroad\npin\n", ()),
        ('{"query": "card lost abroad"}\n{"query": "pin"}\n', ()),
        ("query\ncard lost abroad\npin\n", ("--format", "csv")),
    ],
)
def test_queries_come_through_a_pipe(indexed, run, piped, typed, options):
    piped(typed)
    done = run("search", "articles-index", "-", *options)
    assert [answer["hits"][0]["id"] for answer in lines(done.out)] == ["1", "2"]


def test_vectors_both_and_a_ranker(articles, run):
    make_ranker(articles / "tiny", articles / "ranker")
    words = ("--text", "title,body", "--model", "embedder", "--vectors", "windows")
    assert run("index", "articles.csv", *words).code == 0
    for by in ("words", "vectors", "both"):
        done = run("search", "articles-index", "queries.csv", "--by", by, "--exact")
        hit = lines(done.out)[0]["hits"][0]
        assert ("window" in hit) is (by != "words")
    done = run(
        "search", "articles-index", "queries.csv", "--rerank", "ranker", "--where", "lang=en"
    )
    assert {hit["id"] for hit in lines(done.out)[0]["hits"]} == {"1", "2"}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_table_of_hits_has_a_line_a_hit(indexed, run, suffix):
    name = f"hits.{suffix}"
    done = run("search", "articles-index", "queries.csv", "--output", name, "--json")
    assert done.json == {
        "output": name, "queries": {"read": 3, "rejected": 1, "without_hits": 1},
    }  # fmt: skip
    if suffix == "parquet":
        pq = pytest.importorskip("pyarrow.parquet")
        rows = pq.read_table(name).to_pylist()
        found = [(row["n"], row["prediction"] and row["prediction"]["id"]) for row in rows]
    else:
        with open(name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t" if suffix == "tsv" else ","))
        found = [(row["n"], row["prediction_id"] or None) for row in rows]
        assert json.loads(rows[0]["prediction_row"])["title"] == "lost cards"
    assert found == [("1", "1"), ("1", "2"), ("2", None), ("3", None)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["index", "articles.csv", "--output", "x"], "column 'text' is not in articles.csv"),
        (["index", "articles.csv", "--output", "x", "--text", "titel"], "did you mean 'title'"),
        (
            ["index", "articles.csv", "--output", "x", "--text", "title", "--id", "no"],
            "column 'no'",
        ),
        (["index", "articles.csv", "--text", "title"], "articles-index exists"),
        (["index", "no.csv", "--output", "x"], "no.csv: there is no such file"),
        (["index"], "no table was named"),
        (["index", "articles.csv", "--compact", "--output", "articles-index"], "reads no table"),
        (["index", "articles.csv", "--add"], "--add asks for --output"),
        (["index", "articles.csv", "--add", "--remove"], "--add and --remove exclude each other"),
        (
            ["index", "articles.csv", "--add", "--output", "articles-index", "--text", "title"],
            "--text is settled when an index is made",
        ),
        (["index", "articles.csv", "--add", "--output", "none"], "none does not exist"),
        (["index", "articles.csv", "--remove", "--output", "embedder"], "is no search index"),
        (["index", "articles.csv", "--text", "title", "--output", "x", "--model", "tiny"], "tiny"),
        (["search", "nowhere", "queries.csv"], "nowhere does not exist"),
        (["search", "embedder", "queries.csv"], "embedder is no search index"),
        (["search", "articles-index", "no.csv"], "no.csv: there is no such file"),
        (["search", "articles-index", "queries.csv", "--text", "q"], "column 'q' is not in"),
        (["search", "articles-index", "queries.csv", "--by", "vectors"], "words alone"),
        (["search", "articles-index", "queries.csv", "--where", "lagn=en"], "mean 'lang'"),
        (["search", "articles-index", "queries.csv", "--where", "lang"], "COLUMN=VALUE"),
        (["search", "articles-index", "queries.csv", "--top-k", "0"], "--top-k must be 1 or more"),
        (["search", "articles-index", "queries.csv", "--rerank", "embedder"], "in order"),
        (["search", "articles-index", "queries.csv", "--json"], "--output names a file"),
        (["search", "articles-index", "hits.csv"], "column 'hits' is where hits are written"),
        (["search", "articles-index", "queries.csv", "--output", "a.txt"], "expected .jsonl"),
    ],
)
def test_wrong_input_is_one_line(indexed, run, table, words, said):
    table([["query", "hits"], ["a", "b"]], "hits.csv")
    before = sorted(path.name for path in indexed.iterdir())
    done = run(*words)
    assert done.code == 2, done.err
    assert said in done.error
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    assert sorted(path.name for path in indexed.iterdir()) == before


def test_a_row_that_cannot_be_read_is_rejected_by_name(articles, run):
    (articles / "rows.jsonl").write_text('{"text": "card"}\n{"text": \n{"text": 3}\n{"text": []}\n')
    done = run("index", "rows.jsonl", "--json")
    assert done.json["rows"]["added"] == 2
    assert [(x["line"], x["kind"]) for x in done.json["rejected"]] == [
        (2, "bad_json"), (4, "not_text"),
    ]  # fmt: skip


def test_where_no_row_can_be_used_nothing_is_made(articles, run, table):
    table([["text"], [" "], ["\t"]], "bad.csv")
    done = run("index", "bad.csv")
    assert done.code == 1
    assert done.error == "error: bad.csv:2: the text is empty; 2 rows, and none could be used"
    assert not Path("bad-index").exists()


def test_the_help_of_both_loads_no_torch():
    code = "import sys; from glossator.cli import main\n"
    code += "for verb in ('index', 'search'): assert main([verb, '--help']) == 0\n"
    code += "import glossator.search; sys.stderr.write(str('torch' in sys.modules))"
    src = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": src},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "False"
