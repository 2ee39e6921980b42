"""Labels without training: accuracy beside the most frequent label and the nearest bare name.

On the test rows (BBC News, which `glossator starter add bbc-news` brings, is not split: four fifths
of it) each starter answers by the vectors of the labels' names, of their descriptions in
`zero_shot_labels/`, and of these calibrated on a few training rows, which are drawn by a seed.
"""

from __future__ import annotations

import argparse
import csv
import pathlib
import random
import tempfile
from collections import Counter, defaultdict
from typing import Any

from benchmarks.common import GLOSSATOR, HERE, data_folder, parser, run_json, write_result

DATASETS = ("sst2", "bbc-news", "hotel_zh", "banking77")
# What stands before texts and labels of the starter that was trained so.
STARTERS = {"minilm": "", "multilingual": "query: "}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--rows", type=int, default=0, help="of each test table, drawn by seed; 0: all")
    p.add_argument("--examples", type=int, default=8, help="labelled rows a label")
    p.add_argument("--sets", nargs="+", default=DATASETS, choices=DATASETS)
    a = p.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: measured(a, name, pathlib.Path(scratch)) for name in a.sets}
    variant = f"{a.rows}_rows" if a.rows else ""
    write_result("zero_shot", arguments, {"examples": a.examples, "sets": found}, variant=variant)


def measured(a: argparse.Namespace, name: str, scratch: pathlib.Path) -> dict[str, Any]:
    labels = HERE / "zero_shot_labels" / f"{name}.toml"
    train, test = tables(a, name)
    draw = random.Random(0)
    if a.rows and a.rows < len(test):
        test = draw.sample(test, a.rows)
    scored = write(scratch / f"{name}.csv", test)
    few = write(scratch / f"{name}-few.csv", drawn(train, a.examples, draw))
    names = sorted({row["label"] for row in train})
    bare = write(scratch / f"{name}-names.csv", [{"label": label} for label in names])
    found: dict[str, Any] = {
        "rows": len(test),
        "labels": len(names),
        "majority": round(Counter(r["label"] for r in test).most_common(1)[0][1] / len(test), 4),
    }
    for starter, prefix in STARTERS.items():
        found[starter] = {
            "name": evaluated(starter, scored, prefix, bare),
            "description": evaluated(starter, scored, prefix, labels),
            "calibrated": evaluated(starter, scored, prefix, labels, "--examples", str(few)),
        }
        if prefix:
            found[starter]["description, no prefix"] = evaluated(starter, scored, "", labels)
    return found


def evaluated(
    starter: str, table: pathlib.Path, prefix: str, labels: pathlib.Path, *more: str
) -> dict[str, float]:
    scores = run_json([
        *GLOSSATOR, "evaluate", starter, str(table), "--task", "zero-shot-classification",
        "--labels", str(labels), "--prefix", prefix, *more, "--json",
    ])["metrics"]  # fmt: skip
    return {name: round(scores[name], 4) for name in ("accuracy", "macro_f1", "log_loss", "ece")}


def tables(a: argparse.Namespace, name: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Training and test rows; of a table that is not split a fifth is trained on."""
    if name == "bbc-news":
        from glossator.text.samples import SAMPLES

        rows = read(SAMPLES[name].folder / "bbc-news.csv")
        random.Random(0).shuffle(rows)
        return rows[: len(rows) // 5], rows[len(rows) // 5 :]
    folder = data_folder(a) / name
    return read(folder / "train.csv"), read(folder / "test.csv")


def drawn(rows: list[dict[str, str]], count: int, draw: random.Random) -> list[dict[str, str]]:
    """So many rows of each label."""
    by_label = defaultdict(list)
    for row in rows:
        by_label[row["label"]].append(row)
    return [x for label in sorted(by_label) for x in draw.sample(by_label[label], count)]


def read(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: pathlib.Path, rows: list[dict[str, str]]) -> pathlib.Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path
