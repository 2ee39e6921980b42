"""Every task on real data, ours against transformers' Trainer at its best: scores and speed.

Both train on all training rows with the same weights, epochs and rate, and keep the last weights.
What stands in `results/` already is not measured again, so that the command can be repeated.
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
    data: str = ""  # folder of the data set, where it is not called as the job
    peer: bool = True


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
    "stsb_zh_vectors": Job(
        "number", "spearman", "multilingual", 3, 0.80, data="stsb_zh", peer=False,
        options=("--task", "feature-extraction", "--label", "score"),
    ),
    # Trained on the training rows of all three, tested on their tests, as of old.
    "rte": Job(
        "label", "accuracy", "minilm", 5, 0.62, tuple(RTE[::2]), tuple(RTE[1::2]), seeds=3
    ),
    "rte_multilingual": Job(
        "label", "accuracy", "multilingual", 5, 0.62, tuple(RTE[::2]), tuple(RTE[1::2]), seeds=3,
        data="rte",
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
    peer_seeds = 0 if a.no_peer or not job.peer else seeds if a.peer_seeds is None else a.peer_seeds
    runs = kept_runs(f"tasks_{a.name}", setting, ("ours", "trainer"))
    with tempfile.TemporaryDirectory() as scratch:
        rows = _Rows(data_folder(a) / (job.data or a.name), job, a.rows, scratch)
        for who, count in (("ours", seeds), ("trainer", peer_seeds)):
            for seed in map(str, range(count)):
                if seed not in runs[who]:
                    measure = _ours if who == "ours" else _trainer
                    runs[who][seed] = measure(a, job, rows, setting, seed)
                write_result("tasks", arguments, _result(job, setting, runs), variant=a.name)


def _result(job: Job, setting: dict[str, Any], runs: Runs) -> dict[str, Any]:
    scores = {f"median_{job.measure}": medians(runs, job.measure)}
    if job.kind == "answers":
        scores["median_exact_match"] = medians(runs, "exact_match")
    return {**setting, "goal": job.goal, **scores, **speeds(runs), "runs": runs}


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
        items = [row for name in names for row in read_rows(folder / name)]
        return write_rows(self.scratch / f"{part}.jsonl", items[:rows])

    def _for_peer(self, path: pathlib.Path, job: Job) -> pathlib.Path:
        made = (_peer_row(row, job) for row in read_rows(path))
        # It cannot learn where there is no place.
        kept = (row for row in made if row.get("answers") != [])
        return write_rows(path.with_name(f"peer-{path.name}"), kept)


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
    output = rows.scratch / f"model-{seed}"
    return scores_of(fitted(rows.train, rows.test, output, setting, seed, *job.options))


def _trainer(a: Any, job: Job, rows: _Rows, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    script, kind = "tasks_trainer.py", ("--kind", job.kind)
    return trainer(a.peer_python, script, rows.peer, setting, seed, *kind)
