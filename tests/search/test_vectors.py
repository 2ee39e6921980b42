"""Vectors: on disk, held against each other one by one and by a graph, and what becomes of both."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_rows import made_rows

from glossator.errors import SearchIndexError
from glossator.search import add_rows, compact_index, exact, open_index, remove_rows
from glossator.search.vector_file import appending, mapped, unit

SRC = Path(exact.__file__).parents[2]


def drawn(count, width=8, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32))


# The file


def test_what_follows_the_valid_vectors_is_cut_off(tmp_path):
    path, vectors = tmp_path / "v", drawn(6)
    with appending(path, 0, 8) as file:
        assert file.add(vectors[:4]) == 0
        assert file.add(vectors[4:]) == 4
        file.settle()
    assert (mapped(path, 6, 8) == vectors).all()
    with appending(path, 3, 8) as file:
        assert path.stat().st_size == 3 * 8 * 4
        assert file.add(vectors[5:]) == 3
    assert (mapped(path, 4, 8) == vectors[[0, 1, 2, 5]]).all()


@pytest.mark.parametrize("count", [7, 1_000_000])
def test_a_file_that_is_cut_short_is_refused(tmp_path, count):
    path = tmp_path / "v"
    with appending(path, 0, 8) as file:
        file.add(drawn(6))
    with pytest.raises(SearchIndexError, match="cut short"):
        mapped(path, count, 8)
    with pytest.raises(SearchIndexError, match="cut short"), appending(path, count, 8):
        pass
    assert path.stat().st_size == 6 * 8 * 4
    with pytest.raises(SearchIndexError, match="missing"):
        mapped(tmp_path / "no", 1, 8)
    assert mapped(tmp_path / "no", 0, 8).shape == (0, 8)


def test_a_vector_of_nothing_stays_one():
    assert (unit(np.zeros((1, 4), np.float32)) == 0).all()
    assert np.linalg.norm(unit(np.full((1, 4), 1e30, np.float32))) == pytest.approx(1)


# One by one


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 5), st.booleans(), st.integers(0, 3))
def test_the_nearest_are_those_with_the_highest_products(count, wanted, queries, chosen, first):
    vectors, asked = drawn(count), drawn(queries, seed=1)
    slots = np.flatnonzero(np.arange(count) % 3) if chosen else None
    before = exact._BLOCK, exact._AT_ONCE
    exact._BLOCK, exact._AT_ONCE = 7, 2
    try:
        found = exact.nearest(asked, vectors, wanted, slots, min(first, count))
    finally:
        exact._BLOCK, exact._AT_ONCE = before
    may = np.arange(count) if slots is None else slots
    may = may[may >= min(first, count)]
    for query, near in zip(asked, found, strict=True):
        order = may[np.argsort(-(vectors[may] @ query), kind="stable")]
        assert near.tolist() == order[:wanted].tolist()


def test_scores_hang_on_nothing_but_vector_and_query():
    vectors, query = drawn(500, 384), drawn(1, 384, 1)[0]
    slots, scores = exact.rescored(query, vectors, np.arange(500))
    for slot, score in zip(slots[:20], scores[:20], strict=True):
        assert exact.rescored(query, vectors, np.array([slot]))[1][0] == score
    assert scores == pytest.approx(np.sort(vectors @ query)[::-1], abs=1e-6)
    equal = exact.rescored(query, vectors[[3, 3, 3]], np.array([2, 0, 1]))[0]
    assert equal.tolist() == [0, 1, 2]


# By a graph


def ids(index, texts, **options):
    return [[hit.id for hit in hits] for hits in index.search(texts, by="vectors", **options)]


def files(folder):
    return sorted(path.name.split("-")[0] for path in folder.iterdir() if "-" in path.name)


def agreement(index, texts):
    pairs = zip(ids(index, texts), ids(index, texts, exact=True), strict=True)
    return np.mean([len({*a} & {*b}) / len(b) for a, b in pairs])


def test_a_graph_finds_nearly_all_that_is_near(many):
    texts = [row["text"] for row in made_rows(300, 350)]
    with open_index(many) as index:
        assert index.settings.vectors.in_graph == 300
        assert agreement(index, texts) >= 0.95
        assert index.notes == ()


def test_added_rows_are_found_before_the_graph_knows_them_and_after(many):
    with open_index(many) as index:
        add_rows(many, made_rows(300, 320))
        assert index.settings.vectors.in_graph == 300
        texts = [row["text"] for row in made_rows(300, 350)]
        for text, found in zip(texts[:20], ids(index, texts[:20], top_k=1), strict=True):
            assert found == [text.split()[-1]]
        add_rows(many, made_rows(320, 360))
        assert index.settings.vectors.in_graph == 360
        assert agreement(index, texts) >= 0.95
    assert sorted({*files(many)} - {"index.sqlite"}) == ["graph", "vectors"]


def test_removed_rows_are_never_found(many):
    gone = [row for row in made_rows(0, 300) if int(row["id"]) % 2 and int(row["id"]) < 280]
    texts = [row["text"] for row in made_rows(300, 320)]
    with open_index(many) as index:
        remove_rows(many, gone)
        assert index.settings.vectors.in_graph == 300, "fewer than half are dead"
        found = ids(index, texts)
        assert {len(hits) for hits in found} == {10}
        assert not {id for hits in found for id in hits} & {row["id"] for row in gone}
        assert agreement(index, texts) >= 0.95
        whole = ids(index, texts[:1], top_k=160)[0]
        assert len(whole) == len({*whole}) == 160, "all that are left"


def test_vectors_are_written_anew_when_half_are_dead(many):
    texts = [row["text"] for row in made_rows(300, 320)]
    with open_index(many) as index:
        before = ids(index, texts, where=("id>=160",))
        remove_rows(many, [{"id": str(i)} for i in range(160)])
        vectors = index.settings.vectors
        assert (vectors.count, vectors.in_graph) == (140, 140)
        assert ids(index, texts, exact=True) == before
        assert agreement(index, texts) >= 0.95
    assert sorted({*files(many)} - {"index.sqlite"}) == ["graph", "vectors"]


def test_a_condition_is_never_approximate(many):
    texts = [row["text"] for row in made_rows(300, 310)]
    with open_index(many) as index:
        (few,) = {tuple(sorted(x)) for x in ids(index, texts, where=("id<3",))}
        assert few == ("0", "1", "2")
        found = ids(index, texts, where=("id>=100", "id<200"))
        assert found == ids(index, texts, where=("id>=100", "id<200"), exact=True)


@pytest.mark.parametrize("damage", ["gone", "cut", "garbage"])
@pytest.mark.parametrize("mended_by", ["compacting", "growing"])
def test_without_its_graph_an_index_says_so_and_finds_the_same(many, damage, mended_by):
    def mend():
        if mended_by == "compacting":
            compact_index(many)
        else:
            add_rows(many, [row | {"text": "fee"} for row in made_rows(300, 340)])

    (graph,) = many.glob("graph-*")
    data = graph.read_bytes()
    with open_index(many) as index:
        expected = ids(index, ["new card"], exact=True)
    graph.unlink()
    if damage != "gone":
        graph.write_bytes(data[:100] if damage == "cut" else bytes(len(data)))
    with open_index(many) as index:
        assert ids(index, ["new card"]) == expected
        assert len(index.notes) == 1
        assert index.notes[0].startswith("every vector is held against a query: ")
    mend()
    with open_index(many) as index:
        assert ids(index, ["new card"]) == expected
        assert index.notes == ()


def test_without_the_package_an_index_says_so_and_finds_the_same(many, monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch", None)
    with open_index(many) as index:
        assert ids(index, ["new card"]) == ids(index, ["new card"], exact=True)
        assert "pip install 'glossator[search]'" in index.notes[0]
    changes = add_rows(many, made_rows(300, 400))
    assert "pip install 'glossator[search]'" in changes.notes[0]
    with open_index(many) as index:
        assert len(index) == 400


# The order in which libraries are loaded


def test_one_file_alone_imports_usearch():
    importing = [
        path.name
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.split(".")[0] == "usearch"
    ]
    assert importing == ["graph.py"]


@pytest.mark.parametrize("there", [True, False])
def test_usearch_is_loaded_after_onnxruntime(tmp_path, there):
    """The other way round the process crashes."""
    for name in ("usearch", *["onnxruntime"] * there):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"print({name!r})")
        (tmp_path / name / "index.py").write_text("")
    code = "from glossator.search.graph import _usearch\n_usearch()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(SRC)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [*["onnxruntime"] * there, "usearch"]
