"""An index whose writer is killed, interrupted, kept out, or meets a full disk."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from embedders import make_embedder
from search_rows import made_rows

from glossator.errors import OutputBusyError, SearchIndexError
from glossator.search import add_rows, build_index, compact_index, open_index, remove_rows

HALTING = Path(__file__).parents[1] / "helpers" / "halting_search.py"
PATIENCE = 500
QUERY = "new card of the bank"


@pytest.fixture(scope="module")
def embedder(tmp_path_factory, tiny_starter_folder):
    return make_embedder(tiny_starter_folder, tmp_path_factory.mktemp("embedder") / "embedder")


@pytest.fixture
def index(here, embedder):
    """An index of 60 rows, and `more.csv` with 30 that are new and 10 that are others."""
    rows = made_rows(0, 60)
    build_index("i", rows, text=("text",), id="id", model=str(embedder))
    changed = [row | {"text": f"other {row['text']}"} for row in rows[:10]]
    lines = "".join(f"{row['id']},{row['text']}\n" for row in [*changed, *made_rows(60, 90)])
    Path("more.csv").write_text(f"id,text\n{lines}")
    Path("gone.csv").write_text("id\n" + "".join(f"{i}\n" for i in range(40)))
    return Path("i")


def state(folder):
    """All that a reader sees."""
    with open_index(folder) as opened:
        rows = opened._store.all("select number, id, row from rows order by number")
        hits = [opened.search([QUERY], by=by, top_k=90)[0] for by in ("words", "vectors", "both")]
        assert len(hits[1]) == len(rows)
        return rows, hits


def whole(folder):
    """Nothing is left that the index does not name, and SQLite and the words are sound."""
    with open_index(folder) as opened:
        store = opened._store
        assert store.all("pragma integrity_check") == [("ok",)]
        counts = [store.one(f"select count(*) from {x}")[0] for x in ("rows", "words")]
        assert counts[0] == counts[1]
        vectors = opened.settings.vectors
        (alive,), (dead,) = (store.one(f"select count(*) from {x}") for x in ("vectors", "dead"))
        assert alive + dead == vectors.count
    named = {vectors.file, vectors.graph, "index.sqlite"}
    left = {path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    assert left <= named
    return True


@contextlib.contextmanager
def halted(place, *words):
    """`glossator index` at some place; it is killed in the end."""
    pipe = subprocess.PIPE
    command = [sys.executable, HALTING, place, "index", *words, "--output", "i"]
    with subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        # A suite that runs in the background hands its children an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stdout.readline() == b"halted\n", process.stderr.read()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("place", "words", "acknowledged"),
    [
        ("written", ("more.csv", "--add"), False),
        ("settled", ("more.csv", "--add"), False),
        ("acknowledged", ("more.csv", "--add"), True),
        ("settled", ("gone.csv", "--remove"), False),
        ("acknowledged", ("gone.csv", "--remove"), True),
        ("compacted", ("gone.csv", "--remove"), True),
    ],
)
def test_a_killed_writer_loses_nothing_and_leaves_nothing_half(index, place, words, acknowledged):
    before = state(index)
    with halted(place, *words):
        seen = state(index)
        assert (seen == before) is not acknowledged, "a reader sees it once it is acknowledged"
    after = state(index)
    assert after == seen
    table = "more.csv" if "--add" in words else "gone.csv"
    again(table)
    assert whole(index)
    expected = again_elsewhere(index, table)
    assert [row[1:] for row in state(index)[0]] == [row[1:] for row in expected[0]]


def again(table, folder="i"):
    from glossator.text.tables import open_table

    change = add_rows if table == "more.csv" else remove_rows
    change(folder, open_table(table))


def again_elsewhere(index, table):
    """The same change of the same index, by one that nobody killed."""
    with open_index(index) as opened:
        model = opened.settings.vectors.model
    build_index("other", made_rows(0, 60), text=("text",), id="id", model=model)
    again(table, "other")
    return state("other")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["written", "settled"])
def test_an_interrupted_writer_leaves_the_index_as_it_was(index, number, place):
    before = state(index)
    with halted(place, "more.csv", "--add") as process:
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert told.decode().splitlines()[-1] == "error: interrupted"
    assert state(index) == before
    again("more.csv")
    assert whole(index)


@pytest.mark.parametrize("place", ["written", "settled"])
def test_a_killed_first_index_leaves_none(here, embedder, place):
    Path("t.csv").write_text("text\ncard\npin\n")
    with halted(place, "t.csv", "--model", str(embedder)):
        pass
    with pytest.raises(SearchIndexError, match="i does not exist"):
        open_index("i")
    build_index("i", made_rows(0, 2))
    with open_index("i") as opened:
        assert len(opened) == 2


def test_a_second_writer_is_kept_out_and_readers_are_not(index, run):
    with halted("settled", "more.csv", "--add") as process:
        done = run("index", "gone.csv", "--output", "i", "--remove")
        assert done.code == 2
        said = f"i is being written by process {process.pid} on "
        assert done.error.startswith(f"error: {said}")
        assert done.error.endswith("; wait for its end")
        for change in (compact_index, lambda x: build_index(x, made_rows(0, 1), overwrite=True)):
            with pytest.raises(OutputBusyError):
                change("i")
        assert len(state(index)[0]) == 60
    remove_rows("i", [{"id": "1"}])
    assert len(state(index)[0]) == 59


def test_readers_of_several_threads_see_whole_states(index):
    sizes, errors = set(), []
    stop = threading.Event()

    def read():
        try:
            while not stop.is_set():
                (hits,) = shared.search([QUERY], by="vectors", top_k=200)
                sizes.add(len(hits))
        except BaseException as error:
            errors.append(error)

    with open_index(index) as shared:
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for start in (60, 70, 80):
            add_rows(index, made_rows(start, start + 10))
        remove_rows(index, [{"id": str(i)} for i in range(50)])
        compact_index(index)
        stop.set()
        for reader in readers:
            reader.join()
        assert errors == []
        assert sizes <= {60, 70, 80, 90, 40}
        assert len(shared.search([QUERY], by="vectors", top_k=200)[0]) == 40


# A full disk


def test_a_disk_that_fills_while_rows_are_added_leaves_the_index_as_it_was(index, run):
    before = state(index)
    sizes = {path.name: path.stat().st_size for path in index.iterdir()}
    words = ("index", "more.csv", "--output", "i", "--add")
    limits = [sizes["vectors-0.f32"] + 1_000, 2_000]
    for limit in limits:
        done = run(*words, limit=limit)
        assert done.code == 1
        assert done.error.startswith("error: i/")
        assert len(done.err.splitlines()) == 1
        assert state(index) == before
        assert whole(index)
    assert run(*words, limit=10_000_000).code == 0, "the control: with room for all it ends well"
    assert len(state(index)[0]) == 90


@pytest.mark.parametrize("limit", [1_000, 20_000, 40_000])
def test_a_disk_that_fills_with_a_first_index_leaves_none(here, run, embedder, limit):
    lines = "".join(f"{row['text']}\n" for row in made_rows(0, 400))
    Path("t.txt").write_text(lines)
    done = run("index", "t.txt", "--model", str(embedder), "--output", "j", limit=limit)
    assert done.code == 1
    assert done.error.startswith("error: j")
    assert not Path("j").exists()
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_a_disk_that_fills_while_vectors_are_written_anew_loses_nothing(index, file_limit):
    remove_rows(index, [{"id": str(i)} for i in range(20)])
    before = state(index)
    with file_limit(2_000), pytest.raises(OSError, match="i/"):
        compact_index(index)
    assert state(index) == before
    compact_index(index)
    assert state(index)[0] == before[0]
    assert whole(index)


# Damage


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "another"])
def test_an_index_file_that_is_none_is_refused(index, run, damage):
    path = index / "index.sqlite"
    data = path.read_bytes()
    if damage == "another":
        import sqlite3

        path.unlink()
        sqlite3.connect(path).executescript("create table t (a); insert into t values (1)")
    else:
        path.write_bytes(
            {"garbage": bytes(range(256)) * 32, "cut": data[:3000], "empty": b""}[damage]
        )
    Path("q.txt").write_text("card\n")
    done = run("search", "i", "q.txt", "--by", "words")
    assert done.code == 2
    assert done.error.startswith("error: i/index.sqlite: is ")


def test_an_index_of_a_newer_format_is_refused(index, run):
    from glossator.search.store import Store

    store = Store.open(index, write=True)
    store.execute("pragma user_version = 99")
    store.close()
    Path("q.txt").write_text("card\n")
    done = run("search", "i", "q.txt")
    assert done.code == 2
    assert "the index has format 99, this version reads 1" in done.error


def test_vectors_that_are_cut_short_are_refused(index, run):
    path = index / "vectors-0.f32"
    path.write_bytes(path.read_bytes()[:-4])
    Path("q.txt").write_text("card\n")
    for words in (("search", "i", "q.txt"), ("index", "more.csv", "--output", "i", "--add")):
        done = run(*words)
        assert done.code == 2
        assert (
            done.error == "error: i/vectors-0.f32: is cut short: expected 60 vectors of 32 numbers"
        )
