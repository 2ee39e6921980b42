"""Two processes against one process with two threads: the losses of each step, and the speed.

MiniLM on Banking77 in float32 and without dropout, so that nothing but rounding may differ.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
from typing import Any

from benchmarks.common import (
    GLOSSATOR,
    data_folder,
    head_of_table,
    median,
    parser,
    run_json,
    starter_folder,
    write_result,
)

BATCH = 32


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--precision", default="float32")
    a = p.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        table, model = folder / "train.csv", folder / "minilm"
        data = data_folder(a) / "banking77"
        head_of_table(data / "train.csv", a.steps * BATCH, table, longest=None)
        head_of_table(data / "test.csv", 200, folder / "test.csv", longest=None)
        without_dropout(pathlib.Path(starter_folder("minilm")), model)
        runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        for _ in range(a.repeats):
            for count, kept in runs.items():
                kept.append(fit(table, model, count, a.precision, folder / f"of-{count}"))
    pairs = zip(runs[1][0]["losses"], runs[2][0]["losses"], strict=True)
    speed = {count: median([run["speed"] for run in kept]) for count, kept in runs.items()}
    result = {
        "precision": a.precision,
        "steps": len(runs[1][0]["losses"]),
        "largest_relative_difference_of_a_loss": max(abs(x - y) / abs(x) for x, y in pairs),
        "examples_per_second": {f"processes {count}": x for count, x in speed.items()},
        "two_for_one": round(
            median([b["speed"] / a["speed"] for a, b in zip(runs[1], runs[2], strict=True)]), 2
        ),
    }
    write_result("processes", arguments, result)


def without_dropout(starter: pathlib.Path, model: pathlib.Path) -> None:
    """A copy of a model folder whose config says that nothing is dropped."""
    shutil.copytree(starter, model)
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    nothing = {name: 0.0 for name in config if name.endswith("dropout_prob")}
    path.write_text(json.dumps({**config, **nothing}), encoding="utf-8")


def fit(
    table: pathlib.Path, model: pathlib.Path, processes: int, precision: str, output: pathlib.Path
) -> dict[str, Any]:
    """The loss of each step, and the speed."""
    got = run_json([
        *GLOSSATOR, "fit", str(table), "--model", str(model), "--dev-fraction", "0",
        "--test", str(table.with_name("test.csv")), "--epochs", "1", "--batch-size", str(BATCH),
        "--overwrite", "--learning-rate", "2e-4", "--precision", precision,
        "--processes", str(processes), "--output", str(output), "--json",
    ])  # fmt: skip
    log = output.with_name(f"{output.name}.run") / "log.jsonl"
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    losses = [record["loss"] for record in records if record.get("event") == "stepped"]
    return {"losses": losses, "speed": got["train"]["examples_per_second"]}
