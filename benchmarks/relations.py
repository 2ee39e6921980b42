"""Relations on SemEval-2010 task 8 and FinRE, ours against a Trainer with the same marks and head.

Both train on all training rows with the same weights, epochs and rate, and keep the last weights.
The score of SemEval is the official one: macro F1 over nine relations with their directions. FinRE
names head and tail by their letters, of which a quarter stands in the text several times: both are
given the first place. What stands in `results/` already is not measured again.
"""

from __future__ import annotations

import pathlib
import tempfile
from dataclasses import dataclass
from typing import Any

from benchmarks.beside_trainer import (
    Runs,
    fitted,
    kept_runs,
    medians,
    read_rows,
    scores_of,
    speeds,
    trainer,
    write_rows,
)
from benchmarks.common import data_folder, parser, write_result
from glossator.tasks.kinds.relation_extraction.places import unmarked


@dataclass(frozen=True)
class Job:
    """A data set: what is learned from it, with what, and what it must reach."""

    measure: str
    model: str
    epochs: int
    goal: float | None
    seeds: int


JOBS = {
    "semeval2010_task8": Job("macro_f1", "minilm", 5, 0.84, 3),
    "finre_zh": Job("accuracy", "multilingual", 3, None, 1),
}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("name", choices=JOBS)
    p.add_argument("--seeds", type=int)
    p.add_argument("--peer-seeds", type=int, help="as many as ours when left out")
    p.add_argument("--epochs", type=int)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--rows", type=int, help="of the training rows the first so many")
    a = p.parse_args(arguments)
    job = JOBS[a.name]
    setting = {
        "model": job.model, "epochs": a.epochs or job.epochs, "learning_rate": a.learning_rate,
        "rows": a.rows, "measure": job.measure,
    }  # fmt: skip
    seeds = a.seeds or job.seeds
    peer_seeds = 0 if a.no_peer else seeds if a.peer_seeds is None else a.peer_seeds
    runs = kept_runs(f"relations_{a.name}", setting, ("ours", "trainer"))
    with tempfile.TemporaryDirectory() as scratch:
        tables = [
            _placed(data_folder(a) / a.name, part, pathlib.Path(scratch), a.rows)
            for part in ("train", "test")
        ]
        for who, count in (("ours", seeds), ("trainer", peer_seeds)):
            for seed in map(str, range(count)):
                if seed not in runs[who]:
                    measured = _ours if who == "ours" else _trainer
                    runs[who][seed] = measured(a, tables, setting, seed)
                write_result("relations", arguments, _result(job, setting, runs), variant=a.name)


def _result(job: Job, setting: dict[str, Any], runs: Runs) -> dict[str, Any]:
    scores = {f"median_{job.measure}": medians(runs, job.measure)}
    return {**setting, "goal": job.goal, **scores, **speeds(runs), "runs": runs}


def _placed(
    folder: pathlib.Path, part: str, scratch: pathlib.Path, rows: int | None
) -> pathlib.Path:
    """A table of JSON Lines in which head and tail are given by their places."""
    source = next(folder.glob(f"{part}.*"))
    items = list(read_rows(source))[: rows if part == "train" else None]
    return write_rows(scratch / f"{part}.jsonl", map(_by_places, items))


def _by_places(row: dict[str, Any]) -> dict[str, Any]:
    text, head, tail = unmarked(row["text"]) if "head" not in row else _first_places(row)
    return {"text": text, "head": head, "tail": tail, "relation": row["relation"]}


def _first_places(row: dict[str, Any]) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """Where head and tail first stand; the shorter one outside the longer where it does."""
    text, places = row["text"], {}
    for side in sorted(("head", "tail"), key=lambda side: -len(row[side])):
        starts = [i for i in range(len(text)) if text.startswith(row[side], i)]
        free = [
            i
            for i in starts
            if not any(a < i + len(row[side]) and i < b for a, b in places.values())
        ]
        start = (free or starts)[0]
        places[side] = (start, start + len(row[side]))
    return text, places["head"], places["tail"]


def _ours(a: Any, tables: list[pathlib.Path], setting: dict[str, Any], seed: str) -> dict[str, Any]:
    train, test = tables
    output, task = train.parent / f"model-{seed}", ("--task", "relation-extraction")
    return scores_of(fitted(train, test, output, setting, seed, *task))


def _trainer(
    a: Any, tables: list[pathlib.Path], setting: dict[str, Any], seed: str
) -> dict[str, Any]:
    return trainer(a.peer_python, "relations_trainer.py", tables, setting, seed)
