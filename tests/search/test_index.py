"""Rows in, rows out: what an index holds, who it refuses, what its hits say."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import threading

import numpy as np
import pytest
from embedders import make_embedder
from search_rows import ROWS, made_rows

from glossator.errors import (
    ColumnError,
    ConfigError,
    GlossatorError,
    InputError,
    ModelFolderError,
    OutputExistsError,
    SearchIndexError,
)
from glossator.search import (
    SearchConfig,
    add_rows,
    build_index,
    compact_index,
    open_index,
    open_ranker,
    remove_rows,
)
from glossator.text.tables import open_table


def found(folder, query="card", **options):
    with open_index(folder) as index:
        return [hit.id for hit in index.search([query], **options)[0]]


def counts(changes):
    names = ("read", "added", "replaced", "unchanged", "removed", "absent")
    return {name: n for name in names if (n := getattr(changes, name))}


# Rows


def test_rows_in_are_rows_out(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,text\n007,a card\n2,\n007,again\n,a pin\n5,a fee\n")
    changes = build_index(tmp_path / "i", open_table(table))
    assert counts(changes) == {"read": 5, "added": 2}
    assert [(x.line, x.kind) for x in changes.rejected] == [
        (3, "empty_text"), (4, "doubled_id"), (5, "empty_id"),
    ]  # fmt: skip
    with open_index(tmp_path / "i") as index:
        assert len(index) == 2
        (hit,) = index.search(["card"])[0]
        assert dict(hit.row) == {"id": "007", "text": "a card"}
        assert hit.id == "007"


def test_rows_without_a_name_are_counted(tmp_path):
    table = tmp_path / "t.txt"
    table.write_text("a card\na pin\n")
    build_index(tmp_path / "i", open_table(table))
    assert counts(add_rows(tmp_path / "i", open_table(table))) == {"read": 2, "added": 2}
    assert found(tmp_path / "i") == ["1", "3"]
    assert counts(remove_rows(tmp_path / "i", [{"id": "1"}, {"id": "9"}])) == {
        "read": 2, "removed": 1, "absent": 1,
    }  # fmt: skip
    add_rows(tmp_path / "i", [{"text": "new card"}])
    assert found(tmp_path / "i") == ["3", "5"], "no number is given twice"


@pytest.mark.parametrize("kind", ["words", "both"])
def test_rows_are_added_replaced_and_removed(request, kind):
    folder = request.getfixturevalue(kind)
    fresh = {"id": "f", "title": "card", "body": "another card", "more": 1}
    changed = ROWS[0] | {"title": "found", "body": "it was found"}
    done = add_rows(folder, [fresh, changed, ROWS[1]])
    assert counts(done) == {"read": 3, "added": 1, "replaced": 1, "unchanged": 1}
    assert found(folder, by="words") == ["f"]
    assert found(folder, "found", by="words") == ["a"]
    gone = remove_rows(folder, [{"id": "f"}, {"id": "nobody"}, {"id": " "}])
    assert counts(gone) == {"read": 3, "removed": 1, "absent": 1}
    assert [x.kind for x in gone.rejected] == ["empty_id"]
    assert found(folder, by="words") == []
    with open_index(folder) as index:
        assert len(index) == 5
        assert index.settings.columns == ("id", "title", "body", "lang", "year", "more")


def test_ids_to_be_removed_may_stand_alone(words, tmp_path):
    (tmp_path / "gone.txt").write_text("a\nb\n")
    assert counts(remove_rows(words, open_table(tmp_path / "gone.txt")))["removed"] == 2
    (tmp_path / "gone.csv").write_text("name,x\nc,1\n")
    with pytest.raises(ColumnError, match="column 'id' is not in"):
        remove_rows(words, open_table(tmp_path / "gone.csv"))


def test_an_added_row_is_found_by_an_index_that_is_open(both):
    with open_index(both) as index:
        before = index.search(["card"], by="vectors", top_k=9)[0]
        add_rows(both, [{"id": "f", "title": "card", "body": "card"}])
        after = index.search(["card"], by="vectors", top_k=9)[0]
        assert {hit.id for hit in after} - {hit.id for hit in before} == {"f"}
        remove_rows(both, [{"id": x["id"]} for x in ROWS[:4]])  # vectors are written anew
        assert {hit.id for hit in index.search(["card"], by="vectors")[0]} == {"e", "f"}
        compact_index(both)
        assert {hit.id for hit in index.search(["card"], by="vectors")[0]} == {"e", "f"}


# Hits


def test_vectors_find_what_is_nearest(both, embedder):
    from glossator.artifact.opening import load

    texts = ["\n".join((row["title"], row["body"])) for row in ROWS]
    model = load(embedder)
    cosines = (model.embed(texts) @ model.embed(["pin of a card"]).T)[:, 0]
    with open_index(both) as index:
        hits = index.search(["pin of a card"], by="vectors")[0]
    order = np.argsort(-cosines)
    assert [hit.id for hit in hits] == [ROWS[i]["id"] for i in order]
    assert [hit.score for hit in hits] == pytest.approx(cosines[order], abs=1e-5)
    assert hits[0].words == tuple(w for w in ("pin", "card") if w in hits[0].row["body"])


def test_both_are_joined_by_rank(both):
    query = "the card was lost"
    words, vectors = (found(both, query, by=by) for by in ("words", "vectors"))
    score = {
        id: sum(1 / (61 + order.index(id)) for order in (words, vectors) if id in order)
        for id in vectors
    }
    with open_index(both) as index:
        hits = index.search([query])[0]
    assert [hit.score for hit in hits] == pytest.approx(sorted(score.values(), reverse=True))
    assert {hit.id: hit.score for hit in hits} == pytest.approx(score)


def test_a_query_finds_the_same_alone_and_among_others(many):
    queries = [row["text"] for row in made_rows(300, 340)]
    with open_index(many) as index:
        for by in ("words", "vectors", "both"):
            together = index.search(queries, by=by)
            for query, hits in zip(queries[:6], together, strict=False):
                alone = index.search([query], by=by)[0]
                assert [hit.id for hit in alone] == [hit.id for hit in hits]
                assert [x.score for x in alone] == pytest.approx([x.score for x in hits], abs=1e-6)


def test_a_ranker_puts_the_first_in_order_anew(both, ranker):
    model = open_ranker(ranker)
    with open_index(both) as index:
        first = index.search(["where is my card"], by="vectors", top_k=3)[0]
        hits = index.search(["where is my card"], by="vectors", candidates=3, ranker=model)[0]
    assert sorted(hit.id for hit in hits) == sorted(hit.id for hit in first)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    texts = ["\n".join((hit.row["title"], hit.row["body"])) for hit in hits]
    answers = model.answers([("where is my card", text) for text in texts])
    expected = model.task.relevance(answers.raw)
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)


def test_a_long_text_is_found_by_its_window(tmp_path, embedder):
    filler = "the market fell today after shares of the company lost ten per cent . "
    text = filler * 3 + "how do i change the pin of my account ? " + filler * 3
    rows = [{"id": "long", "text": text}, {"id": "short", "text": "a film"}]
    build_index(tmp_path / "i", rows, id="id", model=str(embedder), vectors="windows")
    with open_index(tmp_path / "i") as index:
        hits = {hit.id: hit for hit in index.search(["change the pin"], by="vectors")[0]}
        store = index._store
        places = store.all("select start, stop from vectors where row = 1 order by slot")
    assert len(places) > 3
    assert (places[0][0], places[-1][1]) == (0, len(text))
    assert all(a < c < b < d for (a, b), (c, d) in itertools.pairwise(places))
    window = hits["long"].window
    assert window.text == text[window.start : window.end]
    assert (window.start, window.end) in places
    assert hits["long"].to_json()["window"] == {
        "start": window.start, "end": window.end, "text": window.text,
    }  # fmt: skip
    whole = hits["short"].window
    assert (whole.start, whole.end, whole.text) == (0, 6, "a film")


def test_rows_of_many_windows_do_not_crowd_others_out(tmp_path, embedder):
    rows = [{"id": "long", "text": "how do i change the pin " * 200}]
    rows += [{"id": str(i), "text": f"a slow film {i}"} for i in range(5)]
    build_index(tmp_path / "i", rows, id="id", model=str(embedder), vectors="windows")
    assert len(found(tmp_path / "i", "pin", by="vectors", top_k=6)) == 6


def test_a_query_without_candidates_has_no_hits(words, tmp_path, embedder):
    assert found(words, "zzz") == []
    build_index(tmp_path / "i", ROWS[:1], text=("body",), id="id", model=str(embedder))
    remove_rows(tmp_path / "i", [{"id": "a"}])
    for by in ("words", "vectors", "both"):
        assert found(tmp_path / "i", by=by) == []
    with open_index(words) as index:
        assert index.search([]) == []
        assert found(words, where=("lang=fr",)) == []


# What is refused


def test_an_index_is_not_replaced_by_a_slip(words, tmp_path):
    with pytest.raises(OutputExistsError):
        build_index(words, ROWS, text=("title",))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("mine")
    with pytest.raises(OutputExistsError, match="nothing that --overwrite may replace"):
        build_index(tmp_path / "home", ROWS, text=("title",), overwrite=True)
    build_index(words, ROWS[:1], text=("title",), overwrite=True)
    assert found(words) == ["1"]


@pytest.mark.parametrize(
    ("rows", "options", "error", "said"),
    [
        ([{"text": " "}, {"text": ""}], {}, GlossatorError, "2 rows, and none could be used"),
        ([{"text": "a"}], {"model": "nowhere"}, ModelFolderError, "'nowhere' is not there"),
        ([{"text": "a"}], {"text": ("body",)}, GlossatorError, "the row has no column 'body'"),
    ],
)
def test_what_cannot_be_indexed_leaves_nothing(tmp_path, rows, options, error, said):
    with pytest.raises(error, match=said):
        build_index(tmp_path / "i", rows, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_missing_is_told(tmp_path):
    (tmp_path / "t.csv").write_text("id,body\n1,a\n")
    with pytest.raises(ColumnError, match=r"column 'text' is not in .*; it has: id, body"):
        build_index(tmp_path / "i", open_table(tmp_path / "t.csv"))


def test_a_model_that_makes_no_vectors_is_refused(tmp_path, ranker, words):
    with pytest.raises(ModelFolderError, match="which makes no vectors"):
        build_index(tmp_path / "i", ROWS, text=("body",), model=str(ranker))


def test_a_model_that_puts_nothing_in_order_is_no_ranker(embedder):
    with pytest.raises(ModelFolderError, match="puts no texts in order"):
        open_ranker(embedder)


def test_another_model_or_version_is_refused(both, embedder, tmp_path, tiny_starter_folder):
    moved = tmp_path / "moved"
    shutil.copytree(embedder, moved)
    with open_index(both, model=moved) as index:
        assert index.search(["card"])[0], "the same model elsewhere"
    assert counts(add_rows(both, [{"id": "x", "title": "a", "body": "b"}], model=moved))["added"]
    (moved / "sentence_bert_config.json").write_text('{"max_seq_length": 31}')
    with (
        open_index(both, model=moved) as index,
        pytest.raises(SearchIndexError, match=r"another model or version: .*embedder \(.*moved is"),
    ):
        index.search(["card"])
    with pytest.raises(SearchIndexError, match="another model or version"):
        add_rows(both, [{"id": "y", "title": "a", "body": "b"}], model=moved)
    assert found(both, by="words") == ["a"], "words need no model"


def test_vectors_of_another_width_are_refused(both):
    from glossator.search.store import Store

    store = Store.open(both, write=True)
    settings = store.settings()
    vectors = dataclasses.replace(settings.vectors, width=16, count=0)
    store.write_settings(dataclasses.replace(settings, vectors=vectors))
    store.close()
    with (
        open_index(both) as index,
        pytest.raises(SearchIndexError, match=r"holds vectors of 16 numbers.* have 32"),
    ):
        index.search(["card"])


def test_a_model_that_is_gone_is_told_and_words_are_still_found(tmp_path, tiny_starter_folder):
    model = make_embedder(tiny_starter_folder, tmp_path / "model")
    build_index(tmp_path / "i", ROWS, text=("body",), id="id", model=str(model))
    shutil.rmtree(model)
    with open_index(tmp_path / "i") as index:
        with pytest.raises(ModelFolderError, match="--model says where it is now"):
            index.search(["card"])
        assert index.search(["card"], by="words")[0]


def test_vectors_that_were_not_made_are_not_searched(words):
    with open_index(words) as index:
        with pytest.raises(ConfigError, match="indexes words alone; --by words searches it"):
            index.search(["card"], by="both")
        assert index.search(["card"])[0]


@pytest.mark.parametrize(
    ("queries", "said"), [("card", "a single string"), (["a", " "], "query 1 is ' '")]
)
def test_what_is_no_query_is_refused(words, queries, said):
    with open_index(words) as index, pytest.raises(InputError, match=said):
        index.search(queries)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"by": "luck"}, "expected words"), ({"top_k": 0}, "--top-k"), ({"candidates": 0}, "1 or")],
)
def test_wrong_options_are_told(words, options, said):
    with open_index(words) as index, pytest.raises(ConfigError, match=said):
        index.search(["card"], **options)


# An index that is made anew while it is open


def anew(folder, rows=ROWS[1:3], **options):
    build_index(folder, rows, text=("title", "body"), id="id", overwrite=True, **options)


def test_an_index_made_anew_is_opened_anew(both, embedder):
    with open_index(both) as index:
        assert len(index.search(["card"], by="vectors")[0]) == 5
        model = index.model
        anew(both, model=str(embedder))
        for by in ("words", "vectors", "both"):
            (hits,) = index.search(["pin"], by=by)
            assert {hit.id for hit in hits} <= {"b", "c"}
            assert hits[0].id == "b"
        assert len(index) == 2
        assert index.model is model, "it is not loaded again"
        anew(both, [ROWS[0]], model=str(embedder))
        assert [hit.id for hit in index.search(["card"])[0]] == ["a"], "and a second time"


def test_an_index_by_words_is_opened_anew(words):
    with open_index(words) as index:
        anew(words)
        assert index.settings.columns == ("id", "title", "body", "lang", "year")
        assert index.search(["card"])[0] == []
        assert [hit.id for hit in index.search(["pin"])[0]] == ["b"]


@pytest.mark.parametrize("by", [None, "vectors", "both"])
@pytest.mark.parametrize("asked_before", [True, False])
def test_one_made_anew_with_another_model_is_refused(
    both, by, asked_before, tmp_path, tiny_starter_folder
):
    other = make_embedder(tiny_starter_folder, tmp_path / "other", max_length=16)
    with open_index(both) as index:
        if asked_before:
            index.search(["card"], by=by)
        anew(both, model=str(other))
        said = r"was made anew with .*other \(unv.*, and was opened with .*embedder \(.*again"
        for _ in range(2):
            with pytest.raises(SearchIndexError, match=said):
                index.search(["card"], by=by)
        with pytest.raises(SearchIndexError, match=said):
            _ = index.model
        assert [hit.id for hit in index.search(["pin"], by="words")[0]] == ["b"]
        anew(both)
        with pytest.raises(SearchIndexError, match="made anew with words alone"):
            index.search(["card"], by=by)
    assert found(both, "pin") == ["b"], "who opens it again asks the new one"


def test_the_same_model_elsewhere_fits(both, embedder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(embedder, moved)
    with open_index(both) as index:
        index.search(["card"])
        anew(both, model=str(moved))
        assert {hit.id for hit in index.search(["card"], by="vectors")[0]} == {"b", "c"}


def test_a_folder_that_is_gone_or_damaged_is_not_taken_for_a_new_one(words, tmp_path):
    with open_index(words) as index:
        words.rename(tmp_path / "aside")
        assert [hit.id for hit in index.search(["card"])[0]] == ["a"], "between two renames"
        words.mkdir()
        (words / "index.sqlite").write_text("no index" * 100)
        for _ in range(2):
            with pytest.raises(SearchIndexError, match="damaged"):
                index.search(["card"])
        shutil.rmtree(words)
        (tmp_path / "aside").rename(words)
        assert [hit.id for hit in index.search(["card"])[0]] == ["a"]


def test_vectors_of_a_new_index_are_not_held_against_the_rows_of_the_old(
    both, embedder, monkeypatch
):
    from glossator.search import vector_search

    mapped = vector_search.mapped

    def swapped(*given):
        monkeypatch.setattr(vector_search, "mapped", mapped)
        anew(both, [ROWS[4], *ROWS[:4]], model=str(embedder))
        return mapped(*given)

    with open_index(both) as index:
        vectors = index.model.queries(["大桥"])
        monkeypatch.setattr(vector_search, "mapped", swapped)
        hits = index.search_vectors(["大桥"], vectors, SearchConfig(by="vectors"))[0]
        assert index._store.one("select number from rows where id = 'e'") == (1,), "it was swapped"
    with open_index(both) as index:
        assert hits == index.search(["大桥"], by="vectors")[0]


def test_threads_go_on_while_it_is_made_anew(both, embedder):
    done = threading.Event()
    wrong = []

    def ask(index):
        while not done.is_set():
            try:
                ids = {hit.id for hit in index.search(["card"], by="vectors")[0]}
                if ids not in ({"a", "b", "c", "d", "e"}, {"b", "c"}):
                    wrong.append(ids)
            except Exception as error:
                wrong.append(error)

    with open_index(both) as index:
        index.search(["card"])
        threads = [threading.Thread(target=ask, args=(index,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for rows in (ROWS[1:3], ROWS, ROWS[1:3]):
                anew(both, rows, model=str(embedder))
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert {hit.id for hit in index.search(["card"], by="vectors")[0]} == {"b", "c"}
    assert wrong == []
