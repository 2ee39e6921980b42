"""An approximate index held against the exact one: what it finds, how fast, how soon it is open.

The 40,943 entities of WN18RR with the vectors of `minilm`. Queries are the names of some of them
(`stool`) and the descriptions of others without their names, which stand in no row as they are.
What is timed is one query after the other whose vector is known. The index is kept in `--folder`,
made in parts: a run that was ended goes on where it stood.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import HERE, data_folder, median, parser, run_json, write_result
from glossator.models.config import RuntimeConfig
from glossator.search import (
    SearchConfig,
    SearchIndex,
    add_rows,
    build_index,
    compact_index,
    open_index,
)

BARS = {"recall_at_10": (0.95, "high"), "milliseconds": (5.0, "low"), "opening": (0.3, "low")}
PART = 2048  # rows that are acknowledged together
TURNS = 5  # new processes

Rows = list[dict[str, str]]


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--folder", default="wn18rr-index", help="of the index, kept between runs")
    p.add_argument("--queries", type=int, default=1000)
    p.add_argument("--rows", type=int, default=0, help="of the entities; 0: all")
    p.add_argument("--precision", default="float32", help="in which vectors are made")
    a = p.parse_args(arguments)
    with open(data_folder(a) / "wn18rr" / "entities.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[: a.rows or None]
    folder = pathlib.Path(a.folder)
    built(folder, rows, RuntimeConfig(precision=a.precision))
    queries = drawn(rows, a.queries)
    with open_index(folder) as index:
        vectors = index.model.queries(queries)
        found = measured(index, queries, vectors)
    np.save(folder / "query.npy", vectors[:1])
    found["opening"] = opened(folder)
    found["bars"] = {
        name: {"bar": bar, "found": found[name], "met": met(found[name], bar, better)}
        for name, (bar, better) in BARS.items()
    }
    write_result("search", arguments, found, variant=f"{a.rows}_rows" if a.rows else "")


def built(folder: pathlib.Path, rows: Rows, runtime: RuntimeConfig) -> None:
    """The index of all rows; what is in it already is left as it is."""
    if not folder.exists():
        build_index(folder, rows[:PART], id="id", model="minilm", runtime=runtime)
    with open_index(folder) as index:
        there = len(index)
    for start in range(there // PART * PART, len(rows), PART):
        began = time.perf_counter()
        done = add_rows(folder, rows[start : start + PART], runtime=runtime)
        speed = done.added / (time.perf_counter() - began)
        print(f"{start + done.read:,} rows, {speed:.0f} a second", file=sys.stderr)
    if there < len(rows):
        compact_index(folder)  # the graph as it is made of all vectors in one go


def drawn(rows: Rows, count: int) -> list[str]:
    """Names of entities, and descriptions of others."""
    chosen = random.Random(0).sample(rows, min(count, len(rows)))
    parts = [row["text"].partition(", ") for row in chosen]
    return [
        (name if number % 2 else description) or name
        for number, (name, _, description) in enumerate(parts)
    ]


def measured(index: SearchIndex, queries: Sequence[str], vectors: Any) -> dict[str, Any]:
    """What an approximate search finds of the exact one, and the time of each query."""
    settings = index.settings.vectors
    assert settings is not None, "it was made with a model"
    assert settings.in_graph == settings.count, "the graph knows every vector"
    near = asked(index, queries, vectors, SearchConfig(by="vectors"))
    exact = asked(index, queries, vectors, SearchConfig(by="vectors", exact=True))
    shares = [len(a & b) / len(b) for a, b in zip(near["ids"], exact["ids"], strict=True)]
    both = asked(index, queries, vectors, SearchConfig(by="both"))
    words = asked(index, queries, None, SearchConfig(by="words"))
    return {
        "rows": len(index),
        "vectors": dataclasses.asdict(settings),
        "queries": len(queries),
        "recall_at_10": round(float(np.mean(shares)), 4),
        "lowest_recall": min(shares),
        "milliseconds": near["median"],
        "by_way": {
            name: {"median": way["median"], "p95": way["p95"]}
            for name, way in {
                "approximate": near, "exact": exact, "words": words, "both": both
            }.items()
        },
    }  # fmt: skip


def asked(
    index: SearchIndex, queries: Sequence[str], vectors: Any, config: SearchConfig
) -> dict[str, Any]:
    """The ids that each query finds, asked alone, and milliseconds a query."""
    ids, times = [], []
    for number, query in enumerate(queries):
        vector = None if vectors is None else vectors[number : number + 1]
        began = time.perf_counter()
        (hits,) = index.search_vectors([query], vector, config)
        times.append(1000 * (time.perf_counter() - began))
        ids.append({hit.id for hit in hits})
    times.sort()
    p95 = times[int(0.95 * len(times))]
    return {"ids": ids, "median": round(median(times), 3), "p95": round(p95, 3)}


def opened(folder: pathlib.Path) -> float:
    """Seconds of a new process from importing to the first answer; the parts are printed."""
    script = str(HERE / "_search_opening.py")
    command = [sys.executable, script, str(folder), str(folder / "query.npy")]
    turns = [run_json(command) for _ in range(TURNS)]
    print(*turns, sep="\n", file=sys.stderr)
    parts = ("importing", "opening", "first answer")
    return round(median([sum(turn[part] for part in parts) for turn in turns]), 3)


def met(value: float, bar: float, better: str) -> bool:
    return value >= bar if better == "high" else value <= bar
