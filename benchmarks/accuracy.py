"""Test accuracy, ours against transformers' Trainer on the same rows, weights, epochs and rate.

Both train on all training rows and keep the last weights; the median over the seeds is quoted.
A result that stands in `results/` already is not measured again, so the command can be repeated.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
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

# model, epochs, learning rate, goal
DATASETS = {
    "banking77": ("minilm", 5, 2e-4, 0.925),
    "sst2": ("minilm", 5, 2e-4, 0.89),
    "phrasebank": ("minilm", 5, 2e-4, 0.85),
    "hotel_zh": ("multilingual", 2, 2e-4, 0.90),
}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("name", choices=DATASETS)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--peer-seeds", type=int, help="as many as ours when left out")
    p.add_argument("--epochs", type=int)
    p.add_argument("--learning-rate", type=float)
    a = p.parse_args(arguments)
    model, epochs, rate, goal = DATASETS[a.name]
    epochs, rate = a.epochs or epochs, a.learning_rate or rate
    peer_seeds = 0 if a.no_peer else a.seeds if a.peer_seeds is None else a.peer_seeds
    folder = data_folder(a) / a.name
    setting = {"model": model, "epochs": epochs, "learning_rate": rate}
    kept = _kept(f"accuracy_{a.name}", setting)
    runs = {who: dict(kept.get("runs", {}).get(who, {})) for who in ("ours", "trainer")}
    for who, seeds in (("ours", a.seeds), ("trainer", peer_seeds)):
        for seed in map(str, range(seeds)):
            if seed not in runs[who]:
                measure = _ours if who == "ours" else _trainer
                runs[who][seed] = measure(a, folder, setting, seed)
            medians = {k: median([r["accuracy"] for r in v.values()]) for k, v in runs.items() if v}
            result = {**setting, "goal": goal, "median_accuracy": medians, "runs": runs}
            write_result("accuracy", arguments, result, variant=a.name)


def _kept(name: str, setting: dict[str, Any]) -> dict[str, Any]:
    path = HERE / "results" / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept if all(kept.get(key) == value for key, value in setting.items()) else {}


def _ours(a: Any, folder: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        got = run_json([
            *GLOSSATOR, "fit", str(folder / "train.csv"), "--test", str(folder / "test.csv"),
            "--dev-fraction", "0", "--model", setting["model"],
            "--epochs", str(setting["epochs"]), "--learning-rate", str(setting["learning_rate"]),
            "--seed", seed, "--output", str(pathlib.Path(scratch, "model")), "--json",
        ])  # fmt: skip
    speed = got["train"]["examples_per_second"]
    scores = {name: round(got["test"][name], 4) for name in ("accuracy", "macro_f1")}
    return {**scores, "seconds": got["train"]["seconds"], "examples_per_second": speed}


def _trainer(a: Any, folder: pathlib.Path, setting: dict[str, Any], seed: str) -> dict[str, Any]:
    return run_json([
        a.peer_python, str(HERE / "peers" / "trainer.py"), str(folder / "train.csv"),
        str(folder / "test.csv"), "--best", "--model", starter_folder(setting["model"]),
        "--epochs", str(setting["epochs"]), "--learning-rate", str(setting["learning_rate"]),
        "--seed", seed,
    ])  # fmt: skip
