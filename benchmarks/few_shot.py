"""Five and ten labelled rows a class: ours by each recipe, and SetFit, on the same weights.

For each seed the same rows of each class are drawn for all; they learn from them alone, and are
scored on all test rows. What stands in `results/` already is taken as it is where the setting was
the same, so the command can be repeated where it was cut short. The peer has an environment of its
own, `peers/requirements-setfit.txt`; `--no-peer` leaves it out.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import statistics
import tempfile
from collections import defaultdict
from typing import Any

from benchmarks.beside_trainer import kept_runs, read_rows, write_rows
from benchmarks.common import (
    GLOSSATOR,
    HERE,
    data_folder,
    parser,
    run_json,
    starter_folder,
    write_result,
)
from benchmarks.few_labels import STUDENT

OURS = ("auto", "plain", "contrastive")
# CPFT (Zhang et al. 2021, "Few-shot intent detection via contrastive pre-training and
# fine-tuning"), percent of the test rows right with ten rows a class.
GOALS = {("banking77", 10): 87.2, ("clinc150", 10): 94.2}

Rows = list[dict[str, Any]]


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("name", choices=("banking77", "clinc150"), help="folder of the data set")
    p.add_argument("--shots", type=int, nargs="+", default=[5, 10], help="rows a class")
    p.add_argument("--seeds", type=int, default=5, choices=(1, *STUDENT))
    p.add_argument("--model", default="minilm", help="the starter that all begin with")
    p.add_argument("--epochs", type=int, default=5, help="of ours")
    p.add_argument("--classes", type=int, default=0, help="that are drawn; 0: all")
    p.add_argument("--test-rows", type=int, default=0, help="that are drawn; 0: all")
    a = p.parse_args(arguments)
    train, test = tables(a)
    for shots in a.shots:
        measured(a, arguments, shots, train, test)


def tables(a: argparse.Namespace) -> tuple[Rows, Rows]:
    """Training and test rows of the classes that take part; those of no class are left out."""
    folder = data_folder(a) / a.name
    train, test = (
        [row for row in read_rows(folder / f"{part}.csv") if row["label"] != "oos"]
        for part in ("train", "test")
    )
    draw = random.Random(0)
    labels = sorted({row["label"] for row in train})
    chosen = set(draw.sample(labels, a.classes) if a.classes else labels)
    test = [row for row in test if row["label"] in chosen]
    if a.test_rows:
        test = draw.sample(test, min(a.test_rows, len(test)))
    return [row for row in train if row["label"] in chosen], test


def measured(
    a: argparse.Namespace, arguments: list[str], shots: int, train: Rows, test: Rows
) -> None:
    """Run all that is not there yet with so many rows a class; each run is kept at once."""
    setting = {"model": a.model, "epochs": a.epochs, "classes": a.classes, "rows": len(test)}
    small = f"_{a.classes or 'all'}_classes_{len(test)}_rows" if a.classes or a.test_rows else ""
    variant = f"{a.name}_{shots}{small}"
    whos = [*OURS, *([] if a.no_peer else ["setfit"])]
    runs = kept_runs(f"few_shot_{variant}", setting, whos)
    for seed in map(str, range(a.seeds)):
        for who in whos:
            if seed in runs.setdefault(who, {}):
                continue
            with tempfile.TemporaryDirectory() as scratch:
                folder = pathlib.Path(scratch)
                few = write_rows(folder / "few.jsonl", drawn(train, shots, int(seed)))
                scored = write_rows(folder / "test.jsonl", test)
                made = setfit if who == "setfit" else ours
                runs[who][seed] = made(a, who, few, scored, seed)
            goal = GOALS.get((a.name, shots))
            found = {**setting, "goal": goal, "runs": runs, **summary(runs)}
            write_result("few_shot", arguments, found, variant=variant)


def drawn(rows: Rows, shots: int, seed: int) -> Rows:
    """So many rows of each class, in a drawn order."""
    draw, by_label = random.Random(seed), defaultdict(list)
    for row in rows:
        by_label[row["label"]].append(row)
    few = [row for label in sorted(by_label) for row in draw.sample(by_label[label], shots)]
    draw.shuffle(few)
    return few


def ours(
    a: argparse.Namespace, recipe: str, few: pathlib.Path, test: pathlib.Path, seed: str
) -> dict[str, Any]:
    """All of the few rows are learned from; the test rows are scored once, at the end."""
    found = run_json([
        *GLOSSATOR, "fit", str(few), "--test", str(test), "--dev-fraction", "0",
        "--model", a.model, "--recipe", recipe, "--epochs", str(a.epochs), "--seed", seed,
        "--output", str(few.parent / "model"), "--json",
    ])  # fmt: skip
    told = found["train"].get("recipe", {})
    return {
        "accuracy": round(100 * found["test"]["accuracy"], 2),
        "seconds": found["train"]["seconds"],
        **({"recipe": told["name"], "measuring": told["seconds"]} if recipe == "auto" else {}),
    }


def setfit(
    a: argparse.Namespace, who: str, few: pathlib.Path, test: pathlib.Path, seed: str
) -> dict[str, Any]:
    """The peer on the same rows."""
    script = str(HERE / "peers" / f"few_shot_{who}.py")
    model = starter_folder(a.model)
    words = [a.peer_python, script, str(few), str(test), "--model", model, "--seed", seed]
    return run_json(words)


def summary(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Means, and how far each of ours is from the peer, by the same seeds."""
    accuracy = {
        who: {seed: run["accuracy"] for seed, run in found.items()} for who, found in runs.items()
    }
    means = {who: round(statistics.mean(x.values()), 2) for who, x in accuracy.items() if x}
    peer = accuracy.get("setfit", {})
    beside = {who: differences(accuracy[who], peer) for who in OURS if accuracy.get(who)}
    return {"accuracy": means, "points_above_setfit": {k: x for k, x in beside.items() if x}}


def differences(one: dict[str, float], other: dict[str, float]) -> dict[str, Any]:
    """The mean of the paired differences, and its 95% interval by Student's t."""
    found = [one[seed] - other[seed] for seed in one if seed in other]
    if len(found) not in STUDENT:
        return {}
    mean, error = statistics.mean(found), statistics.stdev(found) / len(found) ** 0.5
    half = STUDENT[len(found)] * error
    return {"mean": round(mean, 2), "interval_95": [round(mean - half, 2), round(mean + half, 2)]}
