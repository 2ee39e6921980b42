"""What measurements beside transformers' Trainer share: tables, runs of both, what is kept."""

from __future__ import annotations

import csv
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.common import GLOSSATOR, HERE, median, run_json, starter_folder

Runs = dict[str, dict[str, Any]]
"""By who ran, and by seed."""


def kept_runs(name: str, setting: dict[str, Any], whos: Sequence[str]) -> Runs:
    """The runs that stand in `results/` already, if they were made with the same setting."""
    path = HERE / "results" / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = bool(kept) and all(kept.get(key) == value for key, value in setting.items())
    return kept["runs"] if same else {who: {} for who in whos}


def medians(runs: Runs, name: str) -> dict[str, float]:
    """The median of a measure over the seeds of each who has run."""
    return {who: median([x[name] for x in found.values()]) for who, found in runs.items() if found}


def speeds(runs: Runs) -> dict[str, Any]:
    """Training rows a second of ours and of the Trainer, and how many times its speed ours is."""
    found = medians(runs, "examples_per_second")
    both = {"ours", "trainer"} <= found.keys()
    ratio = {"ratio": round(found["ours"] / found["trainer"], 2)} if both else {}
    return {"speed": found, **ratio}


def read_rows(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The rows of a table, CSV or JSON Lines."""
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            yield from csv.DictReader(file)
        else:
            yield from map(json.loads, file)


def write_rows(path: pathlib.Path, rows: Iterable[dict[str, Any]]) -> pathlib.Path:
    """A table of JSON Lines."""
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def fitted(
    train: pathlib.Path,
    test: pathlib.Path,
    output: pathlib.Path,
    setting: dict[str, Any],
    seed: str,
    *more: str,
) -> dict[str, Any]:
    """Ours on all training rows; what `fit --json` says.

    Args:
        train: table to learn from.
        test: table that is scored with the last weights.
        output: folder of the model.
        setting: has `model`, `epochs` and `learning_rate`.
        seed: of the run.
        more: options of `fit`.
    """
    return run_json([
        *GLOSSATOR, "fit", str(train), "--test", str(test), "--dev-fraction", "0", *more,
        "--model", setting["model"], *_told(setting, seed), "--output", str(output), "--json",
    ])  # fmt: skip


def scores_of(got: dict[str, Any]) -> dict[str, Any]:
    """Scores of the test rows, speed of training and rows that were rejected."""
    return {
        **{name: round(x, 4) for name, x in got["test"].items() if isinstance(x, float)},
        **{name: got["train"][name] for name in ("seconds", "examples_per_second")},
        "rejected": got["rows"]["rejected"],
    }


def trainer(
    python: str, script: str, tables: Sequence[pathlib.Path], setting: dict[str, Any], seed: str,
    *more: str,
) -> dict[str, Any]:  # fmt: skip
    """The Trainer on the same rows; what its script says.

    Args:
        python: that has it.
        script: in `peers/`.
        tables: to learn from, and to score.
        setting: as `fitted` takes it.
        seed: of the run.
        more: options of the script.
    """
    return run_json([
        python, str(HERE / "peers" / script), *map(str, tables), *more,
        "--model", starter_folder(setting["model"]), *_told(setting, seed),
    ])  # fmt: skip


def _told(setting: dict[str, Any], seed: str) -> list[str]:
    rate = str(setting["learning_rate"])
    return ["--epochs", str(setting["epochs"]), "--learning-rate", rate, "--seed", seed]
