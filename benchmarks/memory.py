"""Peak memory of `predict` and `evaluate` at 1,000 and at 1,000,000 rows, with a tiny model."""

from __future__ import annotations

import csv
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.common import GLOSSATOR, parser, tiny_bert, write_result

CLASSES = 5


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--rows", type=int, default=1_000_000)
    a = p.parse_args(arguments)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        tiny_bert(folder / "tiny")
        _table(folder / "fit.csv", 200)
        fit = ["fit", folder / "fit.csv", "--model", folder / "tiny", "--epochs", 1, "--output"]
        _peak([*fit, folder / "model"])
        for rows in (1000, a.rows):
            table = folder / f"{rows}.csv"
            _table(table, rows)
            out = ["--output", folder / f"{rows}.out.csv"]
            predict = _peak(["predict", folder / "model", table, *out])
            evaluate = _peak(["evaluate", folder / "model", table, "--json"])
            result[str(rows)] = {"predict_mb": predict, "evaluate_mb": evaluate}
    few, many = result["1000"], result[str(a.rows)]
    result["predict_ratio"] = round(many["predict_mb"] / few["predict_mb"], 3)
    grown = (many["evaluate_mb"] - few["evaluate_mb"]) * 2**20
    result["evaluate_bytes_a_row_and_class"] = round(grown / a.rows / CLASSES, 2)
    write_result("memory", arguments, result)


# In a process of its own: one that is started takes over the peak of who started it.
_MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def _peak(command: list[Any]) -> float:
    """Peak resident megabytes of a glossator command, as the system counts it."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *GLOSSATOR, *map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"exit {done.returncode}: {command}")
    return round(int(done.stdout) / 1024, 1)


def _table(path: pathlib.Path, rows: int) -> None:
    words = ["card", "money", "bank", "lost", "found", "today", "please", "help", "with", "me"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for i in range(rows):
            writer.writerow([f"{words[i % 10]} {words[i // 10 % 10]} {i}", f"c{i % CLASSES}"])
