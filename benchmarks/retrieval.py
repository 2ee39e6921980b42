"""A question finds its article: by words, by vectors, by both joined, and put in order anew.

CMRC2018 (Chinese): the test questions, among the articles of training and test rows alike. What is
chosen anywhere (how two orders are joined) was chosen on the training questions, whose figures
stand beside. A ranker is a model folder, or is trained here on some training questions, each with
its article and with the best one that BM25 finds in its place. The index and the vectors are kept
in `--folder`: a run that was ended goes on where it stood.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import pathlib
import random
import sys
import time
from typing import Any

import numpy as np

from benchmarks.common import data_folder, parser, write_result
from glossator import fit, load
from glossator.models.config import RuntimeConfig
from glossator.search import (
    SearchConfig,
    SearchIndex,
    add_rows,
    build_index,
    open_index,
    open_ranker,
)

# What stands before queries and texts of the starter that was trained so.
PREFIXES = {"multilingual": ("query: ", "passage: ")}
PART = 64  # articles that are acknowledged together, and questions that are embedded together
AT = (1, 5)

Questions = list[tuple[str, str]]
"""Each with the id of its article."""


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--folder", default="cmrc2018-index", help="kept between runs")
    p.add_argument("--embedder", default="multilingual", help="a starter or a model folder")
    p.add_argument("--precision", default="float32", help="in which vectors are made")
    p.add_argument("--articles", type=int, default=0, help="the first so many alone; 0: all")
    p.add_argument("--questions", type=int, default=0, help="test questions, drawn; 0: all")
    p.add_argument("--chosen-on", type=int, default=1000, help="training questions, drawn")
    p.add_argument("--ranker", help="a text-ranking model folder")
    p.add_argument("--train-ranker", type=int, default=0, help="on so many training questions")
    p.add_argument("--ranker-base", default="multilingual", help="that is trained")
    p.add_argument("--candidates", type=int, default=10, help="that are put in order anew")
    p.add_argument("--reranked", type=int, default=0, help="test questions, drawn; 0: all")
    a = p.parse_args(arguments)
    folder = pathlib.Path(a.folder)
    folder.mkdir(parents=True, exist_ok=True)
    articles, asked = read(data_folder(a) / "cmrc2018_zh", a.articles)
    asked["test"] = drawn(asked["test"], a.questions)
    some = {"test": asked["test"], "train": drawn(asked["train"], a.chosen_on)}
    model = embedder(a.embedder, folder / "embedder")
    found: dict[str, Any] = {"articles": len(articles), "embedder": a.embedder}
    runtime = RuntimeConfig(precision=a.precision)
    with open_index(built(folder / "index", articles, model, runtime), runtime=runtime) as index:
        for split, questions in some.items():
            vectors = embedded(index, questions, folder / f"{split}.npz")
            found[split] = {"questions": len(questions), **by_way(index, questions, vectors)}
        ranker = ranker_of(a, index, asked["train"], folder)
        if ranker is not None:
            found["reranked"] = reranked(a, index, asked["test"], folder, ranker)
    found["bar"] = bar(found["test"])
    variant = f"{a.articles}_articles" if a.articles else ""
    write_result("retrieval", arguments, found, variant=variant)


def read(folder: pathlib.Path, count: int) -> tuple[list[dict[str, str]], dict[str, Questions]]:
    """The distinct articles, those of test and training rows in turn, and the questions of each."""
    rows: dict[str, list[dict[str, str]]] = {}
    for split in ("test", "train"):
        with open(folder / f"{split}.jsonl", encoding="utf-8") as file:
            rows[split] = [json.loads(line) for line in file]
    texts = [list(dict.fromkeys(row["context"] for row in rows[split])) for split in rows]
    order = [text for pair in itertools.zip_longest(*texts) for text in pair if text is not None]
    ids = {text: str(number) for number, text in enumerate(order[: count or None])}
    asked = {
        split: [(row["question"], ids[row["context"]]) for row in part if row["context"] in ids]
        for split, part in rows.items()
    }
    return [{"id": id, "text": text} for text, id in ids.items()], asked


def drawn(questions: Questions, count: int) -> Questions:
    few = bool(count) and count < len(questions)
    return random.Random(0).sample(questions, count) if few else questions


def embedder(name: str, folder: pathlib.Path) -> str:
    """A model that puts before texts what it was trained with."""
    if name not in PREFIXES:
        return name
    if not folder.exists():
        model = load(name, task="feature-extraction")
        task: Any = model.task
        prefix, pair_prefix = PREFIXES[name]
        task.options = dataclasses.replace(task.options, prefix=prefix, pair_prefix=pair_prefix)
        model.use(task)
        model.save(folder)
    return str(folder)


def built(
    folder: pathlib.Path, articles: list[dict[str, str]], model: str, runtime: RuntimeConfig
) -> pathlib.Path:
    """The index of all articles; what is in it already is left as it is."""
    if not folder.exists():
        build_index(folder, articles[:PART], id="id", model=model, runtime=runtime)
    with open_index(folder) as index:
        there = len(index)
    for start in range(there // PART * PART, len(articles), PART):
        began = time.perf_counter()
        done = add_rows(folder, articles[start : start + PART], runtime=runtime)
        seconds = time.perf_counter() - began
        print(f"{start + done.read} articles, {done.added / seconds:.1f} a second", file=sys.stderr)
    return folder


def embedded(index: SearchIndex, questions: Questions, path: pathlib.Path) -> Any:
    """The vectors of questions, kept by their texts."""
    kept: dict[str, Any] = {}
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            kept = dict(zip(file["texts"].tolist(), file["vectors"], strict=True))
    new = sorted({text for text, _ in questions} - kept.keys())
    for start in range(0, len(new), PART):
        part = new[start : start + PART]
        kept |= dict(zip(part, index.model.queries(part), strict=True))
        np.savez(path, texts=np.array(list(kept)), vectors=np.stack(list(kept.values())))
    return np.stack([kept[text] for text, _ in questions])


def by_way(index: SearchIndex, questions: Questions, vectors: Any) -> dict[str, Any]:
    """How often the right article is found first, or among the first five, by each way."""
    found = {}
    for way in ("words", "vectors", "both"):
        texts, config = [text for text, _ in questions], SearchConfig(by=way, top_k=max(AT))  # type: ignore[arg-type]
        hits = index.search_vectors(texts, vectors, config)
        found[way] = recalls(questions, [[hit.id for hit in each] for each in hits])
    return found


def recalls(questions: Questions, ids: list[list[str]]) -> dict[str, float]:
    right = [id for _, id in questions]
    return {
        f"recall_at_{at}": round(
            sum(id in found[:at] for id, found in zip(right, ids, strict=True)) / len(right), 4
        )
        for at in AT
    }


def ranker_of(
    a: argparse.Namespace, index: SearchIndex, questions: Questions, folder: pathlib.Path
) -> str | None:
    """The ranker that was named, or one that is trained now."""
    if not a.train_ranker:
        return None if a.ranker is None else str(a.ranker)
    trained = folder / f"ranker-{a.ranker_base}-{a.train_ranker}"
    if not trained.exists():
        rows = judged(index, drawn(questions, a.train_ranker))
        fit(rows, task="text-ranking", model=a.ranker_base, output=trained, epochs=2)
    return str(trained)


def judged(index: SearchIndex, questions: Questions) -> list[dict[str, Any]]:
    """Each question with its article, and with the first other one that BM25 finds."""
    texts = [text for text, _ in questions]
    rows = []
    for (text, right), hits in zip(questions, index.search(texts, by="words"), strict=True):
        wrong = next((hit.id for hit in hits if hit.id != right), None)
        ids = [right] if wrong is None else [right, wrong]
        rows += [
            {"text": text, "text_pair": article(index, id), "label": int(id == right)} for id in ids
        ]
    return rows


def article(index: SearchIndex, id: str) -> str:
    number = int(id) + 1  # rows are numbered as they were added
    return str(index._store.rows([number])[number][1]["text"])


def reranked(
    a: argparse.Namespace,
    index: SearchIndex,
    questions: Questions,
    folder: pathlib.Path,
    ranker: str,
) -> dict[str, Any]:
    """The first candidates of both ways, as they were and in the order of a ranker."""
    some = drawn(questions, a.reranked)
    vectors = embedded(index, some, folder / "test.npz")
    model = open_ranker(ranker, RuntimeConfig(precision=a.precision))
    config = SearchConfig(by="both", top_k=max(AT), candidates=a.candidates)
    before, after = [], []
    for number, (text, _) in enumerate(some):
        vector = vectors[number : number + 1]
        for way, ids in ((None, before), (model, after)):
            (hits,) = index.search_vectors([text], vector, config, ranker=way)
            ids.append([hit.id for hit in hits])
        if number % 50 == 49:
            print(number + 1, recalls(some[: number + 1], after), file=sys.stderr)
    return {
        "questions": len(some),
        "candidates": a.candidates,
        "trained_on": a.train_ranker or None,
        "before": recalls(some, before),
        "after": recalls(some, after),
    }


def bar(found: dict[str, Any]) -> dict[str, Any]:
    """Joined is at least the best of the two."""
    told = {}
    for name in (f"recall_at_{at}" for at in AT):
        best = max(found["words"][name], found["vectors"][name])
        joined = found["both"][name]
        told[name] = {"bar": best, "found": joined, "met": joined >= best}
    return told
