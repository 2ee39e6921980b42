"""Every task on real data, ours against transformers' Trainer at its best: scores and speed.

Both train on all training rows with the same weights, epochs and rate, and keep the last weights.
What stands in `results/` already is not measured again, so that the command can be repeated.
"""

from __future__ import annotations

import csv
import json
import pathlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.common import (
    GLOSSATOR,
    HERE,
    data_folder,
    median,
    parser,
    run_json,
    starter_folder,
    write_result,
)


@dataclass(frozen=True)
class Job:
    """A data set: what is learned from it, with what, and what it must reach."""

    kind: str  # as the peer calls it
    measure: str
    model: str
    epochs: int
    goal: float | None
    train: tuple[str, ...] = ("train.csv",)
    test: tuple[str, ...] = ("test.csv",)
    options: tuple[str, ...] = ()
    seeds: int = 1


RTE = [f"rte{n}_{part}.csv" for n in (1, 2, 3) for part in ("dev", "test")]
JOBS = {
    "conll2003": Job("tags", "f1", "minilm", 3, 0.87, ("train.jsonl",), ("test.jsonl",)),
    "cluener_zh": Job("tags", "f1", "multilingual", 3, 0.70, ("train.jsonl",), ("test.jsonl",)),
    "finnl_zh": Job(
        "labels", "micro_f1", "multilingual", 2, None, ("train.jsonl",), ("test.jsonl",), seeds=3
    ),
    "cmrc2018_zh": Job(
        "answers", "f1", "multilingual", 3, None, ("train.jsonl",), ("test.jsonl",),
        options=("--task", "question-answering"),
    ),
    "finfe_zh": Job("label", "accuracy", "multilingual", 1, None),
    "afqmc_zh": Job("label", "accuracy", "multilingual", 1, 0.70),
    "stsb_zh": Job(
        "number", "spearman", "multilingual", 3, 0.80,
        options=("--task", "text-regression", "--label", "score"), seeds=3,
    ),
    # Trained on the training rows of all three, tested on their tests, as of old.
    "rte": Job(
        "label", "accuracy", "minilm", 5, 0.62, tuple(RTE[::2]), tuple(RTE[1::2]), seeds=3
    ),
    "rte_multilingual": Job(
        "label", "accuracy", "multilingual", 5, 0.62, tuple(RTE[::2]), tuple(RTE[1::2]), seeds=3
    ),
}  # fmt: skip


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
    runs = _kept(f"tasks_{a.name}", setting)
    with tempfile.TemporaryDirectory() as scratch:
        rows = _Rows(data_folder(a) / a.name.removesuffix("_multilingual"), job, a.rows, scratch)
        for who, count in (("ours", seeds), ("trainer", peer_seeds)):
            for seed in map(str, range(count)):
                if seed not in runs[who]:
                    measure = _ours if who == "ours" else _trainer
                    runs[who][seed] = measure(a, job, rows, setting, seed)
                write_result("tasks", arguments, _result(job, setting, runs), variant=a.name)


def _result(job: Job, setting: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    def medians(name: str) -> dict[str, float]:
        return {who: median([x[name] for x in v.values()]) for who, v in runs.items() if v}

    speeds = medians("examples_per_second")
    ratio = {"ratio": round(speeds["ours"] / speeds["trainer"], 2)} if len(speeds) == 2 else {}
    scores = {f"median_{job.measure}": medians(job.measure)}
    if job.kind == "answers":
        scores["median_exact_match"] = medians("exact_match")
    return {**setting, "goal": job.goal, **scores, "speed": speeds, **ratio, "runs": runs}


def _kept(name: str, setting: dict[str, Any]) -> dict[str, dict[str, Any]]:
    path = HERE / "results" / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = all(kept.get(key) == value for key, value in setting.items())
    return kept["runs"] if kept and same else {"ours": {}, "trainer": {}}


class _Rows:
    """The rows of a data set, for us as they are and for the peer as it reads them."""

    def __init__(self, folder: pathlib.Path, job: Job, rows: int | None, scratch: str):
        self.scratch = pathlib.Path(scratch)
        self.train = self._table(folder, job.train, "train", rows)
        self.test = self._table(folder, job.test, "test", None)
        self.peer = [self._for_peer(path, job) for path in (self.train, self.test)]

    def _table(
        self, folder: pathlib.Path, names: tuple[str, ...], part: str, rows: int | None
    ) -> pathlib.Path:
        """All tables of a part as one of JSON Lines."""
        target = self.scratch / f"{part}.jsonl"
        items = [row for name in names for row in _read(folder / name)]
        with open(target, "w", encoding="utf-8") as file:
            for row in items[:rows]:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return target

    def _for_peer(self, path: pathlib.Path, job: Job) -> pathlib.Path:
        target = path.with_name(f"peer-{path.name}")
        with open(target, "w", encoding="utf-8") as file:
            for row in _read(path):
                made = _peer_row(row, job)
                if made.get("answers") != []:  # it cannot learn where there is no place
                    file.write(json.dumps(made, ensure_ascii=False) + "\n")
        return target


def _read(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            yield from csv.DictReader(file)
        else:
            yield from map(json.loads, file)


def _peer_row(row: dict[str, Any], job: Job) -> dict[str, Any]:
    if job.kind == "number":
        return {**row, "label": row["score"]}
    if job.kind == "answers":
        return {**row, "answers": [x for x in row["answers"] if _stands(row["context"], x)]}
    if "entities" not in row:
        return row
    tags = ["O"] * len(row["text"])  # characters, as is usual for Chinese
    for x in row["entities"]:
        inside = [f"I-{x['label']}"] * (x["end"] - x["start"] - 1)
        tags[x["start"] : x["end"]] = [f"B-{x['label']}", *inside]
    return {"tokens": list(row["text"]), "tags": tags}


def _stands(context: str, answer: dict[str, Any]) -> bool:
    """Whether an answer is where it says: 139 of CMRC's training answers are not."""
    return answer["start"] >= 0 and context.startswith(answer["text"], answer["start"])


def _ours(a: Any, job: Job, rows: _Rows, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    got = run_json([
        *GLOSSATOR, "fit", str(rows.train), "--test", str(rows.test), "--dev-fraction", "0",
        "--model", setting["model"], "--epochs", str(setting["epochs"]),
        "--learning-rate", str(setting["learning_rate"]), "--seed", seed, *job.options,
        "--output", str(rows.scratch / f"model-{seed}"), "--json",
    ])  # fmt: skip
    numbers = {k: round(x, 4) for k, x in got["test"].items() if isinstance(x, float)}
    train = got["train"]
    rejected = {"rejected": got["rows"]["rejected"]}
    speed = {name: train[name] for name in ("seconds", "examples_per_second")}
    return {**numbers, **speed, **rejected}


def _trainer(a: Any, job: Job, rows: _Rows, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    return run_json([
        a.peer_python, str(HERE / "peers" / "tasks_trainer.py"), job.kind, *map(str, rows.peer),
        "--model", starter_folder(setting["model"]), "--epochs", str(setting["epochs"]),
        "--learning-rate", str(setting["learning_rate"]), "--seed", seed,
    ])  # fmt: skip
