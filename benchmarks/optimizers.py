"""Test accuracy by learning rate, for each optimizer, on a few rows of three data sets.

Behind the default rates and the usual ranges of `finetuning/defaults.py`. What stands in `results/`
already is not measured again, so the command can be repeated, and given more rates.
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
    head_of_table,
    parser,
    run_json,
    write_result,
)

DATASETS = ("banking77", "sst2", "phrasebank")
RATES: dict[str, tuple[float, ...]] = {
    "adamw": (2e-4,),
    "adafactor": (2e-4, 1e-3, 3e-3, 1e-2, 2e-2, 5e-2),
    "sgd": (2e-4, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--model", default="minilm")
    p.add_argument("--rows", type=int, default=2000)
    p.add_argument("--test-rows", type=int, default=1000)
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--auto", action="store_true", help="measure `--learning-rate auto` as well")
    a = p.parse_args(arguments)
    setting = {key: getattr(a, key) for key in ("model", "rows", "test_rows", "epochs")}
    runs = _kept(setting)
    for name in DATASETS:
        for optimizer, rates in RATES.items():
            for rate in (*map(str, rates), *(("auto",) if a.auto else ())):
                found = runs.setdefault(name, {}).setdefault(optimizer, {})
                if rate not in found:
                    found[rate] = _measured(a, data_folder(a) / name, optimizer, rate)
                    write_result("optimizers", arguments, {**setting, "runs": runs})


def _kept(setting: dict[str, Any]) -> dict[str, Any]:
    path = HERE / "results" / "optimizers.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return dict(kept["runs"]) if all(kept.get(k) == v for k, v in setting.items()) else {}


def _measured(a: Any, source: pathlib.Path, optimizer: str, rate: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        train, test, model = (pathlib.Path(scratch, x) for x in ("train.csv", "test.csv", "model"))
        head_of_table(source / "train.csv", a.rows, train)
        head_of_table(source / "test.csv", a.test_rows, test)
        got = run_json([
            *GLOSSATOR, "fit", str(train), "--test", str(test), "--dev-fraction", "0",
            "--model", a.model, "--epochs", str(a.epochs), "--optimizer", optimizer,
            "--learning-rate", rate, "--output", str(model), "--json",
        ])  # fmt: skip
        config = (model.with_name("model.run") / "config.toml").read_text(encoding="utf-8")
    scores = {name: round(got["test"][name], 4) for name in ("accuracy", "macro_f1")}
    taken = next(line for line in config.splitlines() if line.startswith("learning_rate"))
    return {**scores, "learning_rate": float(taken.split("=")[1])}
