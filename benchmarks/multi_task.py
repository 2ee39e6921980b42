"""Two tasks on one encoder against each on its own: frames (SNIPS) and intents (CLINC150).

All three runs see each training row as often, with the same rate, batches and seed, and keep their
last weights. Each must stay within half a point of its own model. What a run has come to lies under
`--work`: repeated, the command goes on where it was cut off.
"""

from __future__ import annotations

import csv
import json
import pathlib
import random
from typing import Any

from benchmarks.common import GLOSSATOR, data_folder, parser, run_json, write_result

BAR = 0.005
MEASURES = {"frames": ("slot_f1", "intent_accuracy"), "intents": ("accuracy",)}
FILES = {"frames": "frames-{}.jsonl", "intents": "intents-{}.csv"}
KINDS = {"frames": "intent-slots", "intents": "text-classification"}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--work", default="multi-task-work", help="folder of tables and models")
    p.add_argument("--model", default="minilm")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--rows", type=int, help="of the training rows of each so many")
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args(arguments)
    work = pathlib.Path(a.work)
    work.mkdir(parents=True, exist_ok=True)
    write_tables(data_folder(a), work, a.rows, a.temperature)
    runs = {}
    for name in ("frames", "intents", "both"):
        runs[name] = fitted(work, name, a)
        write_result("multi_task", arguments, result(a, runs))


def write_tables(data: pathlib.Path, work: pathlib.Path, rows: int | None, share: float) -> None:
    """The rows of both data sets, and a .toml of each and of both."""
    for part in ("train", "test"):
        count = rows if part == "train" else None
        with open(data / "snips" / f"{part}.jsonl", encoding="utf-8") as file:
            lines = drawn(list(file), count)
        (work / f"frames-{part}.jsonl").write_text("".join(lines), encoding="utf-8")
        with open(data / "clinc150" / f"{part}.csv", encoding="utf-8", newline="") as file:
            table = [row for row in csv.DictReader(file) if row["label"] != "oos"]
        with open(work / f"intents-{part}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["text", "label"])
            writer.writeheader()
            writer.writerows(
                {"text": row["text"], "label": row["label"]} for row in drawn(table, count)
            )
    lines = [f"temperature = {share}"]
    for name, file in FILES.items():
        lines += [f"[tasks.{name}]", f'task = "{KINDS[name]}"']
        lines += [f'{part} = "{file.format(part)}"' for part in ("train", "test")]
    (work / "both.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def drawn(rows: list[Any], count: int | None) -> list[Any]:
    """So many of the rows, since they stand by class."""
    return rows if count is None or count >= len(rows) else random.Random(0).sample(rows, count)


def fitted(work: pathlib.Path, name: str, a: Any) -> dict[str, Any]:
    """The scores of a run on the test rows; taken from its folder where it is finished."""
    told = (pathlib.Path(a.model).name, a.epochs, a.rows, a.temperature, a.learning_rate, a.seed)
    output = work / "-".join(map(str, (name, *told)))
    if not output.exists():
        run_json(
            [
                *GLOSSATOR, "fit", *of_whom(work, name), "--output", str(output), "--resume",
                "--json", "--model", a.model, "--epochs", str(a.epochs), "--dev-fraction", "0",
                "--learning-rate", str(a.learning_rate), "--seed", str(a.seed),
                "--checkpoint-steps", "100",
            ]
        )  # fmt: skip
    scores = json.loads((output / "metrics.json").read_text(encoding="utf-8"))["test"]
    if name != "both":
        return {key: scores[key.split(".")[1]] for key in keys(name)}
    return {key: scores[key] for task in MEASURES for key in keys(task)}


def keys(task: str) -> list[str]:
    """The measures of a task as those of several tasks are named."""
    return [f"{task}.{measure}" for measure in MEASURES[task]]


def of_whom(work: pathlib.Path, name: str) -> list[str]:
    """The tables of a run."""
    if name == "both":
        return [str(work / "both.toml")]
    train, test = (str(work / FILES[name].format(part)) for part in ("train", "test"))
    return [train, "--test", test, "--task", KINDS[name]]


def result(a: Any, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What was measured, and whether each task keeps the bar."""
    found = {
        "model": pathlib.Path(a.model).name, "epochs": a.epochs, "learning_rate": a.learning_rate,
        "rows": a.rows, "temperature": a.temperature,
        "seed": a.seed, "bar": BAR, "runs": runs,
    }  # fmt: skip
    if "both" in runs:
        differences = {
            key: runs["both"][key] - runs[task][key] for task in MEASURES for key in keys(task)
        }
        found["differences"] = {key: round(x, 4) for key, x in differences.items()}
        found["holds"] = all(x >= -BAR for x in differences.values())
    return found
