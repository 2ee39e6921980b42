"""Examples a second while fine-tuning, ours against transformers' Trainer, as it comes and at best.

The three take turns on the same rows; a ratio is taken within each turn, and the median is quoted.
"""

from __future__ import annotations

import pathlib
import tempfile

from benchmarks.common import (
    GLOSSATOR,
    HERE,
    data_folder,
    head_of_table,
    median,
    parser,
    run_json,
    starter_folder,
    write_result,
)

# Which table, and whether the Trainer as it comes is measured too.
DATASETS = {"minilm": ("banking77", 3200), "multilingual": ("hotel_zh", 320)}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--model", default="minilm", choices=DATASETS)
    p.add_argument("--rows", type=int, help="training rows; by default what takes a minute or two")
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--short", type=int, help="only texts of at most so many characters")
    a = p.parse_args(arguments)
    name, rows = DATASETS[a.model]
    folder = data_folder(a) / name
    with tempfile.TemporaryDirectory() as scratch:
        train, test = pathlib.Path(scratch, "train.csv"), pathlib.Path(scratch, "test.csv")
        head_of_table(folder / "train.csv", a.rows or rows, train, longest=a.short)
        head_of_table(folder / "test.csv", 200, test, longest=a.short)
        weights = starter_folder(a.model)
        rate = "2e-4"
        ours = [
            *GLOSSATOR, "fit", str(train), "--test", str(test), "--dev-fraction", "0",
            "--model", a.model, "--epochs", "1", "--learning-rate", rate, "--batch-size", "32",
            "--output", str(pathlib.Path(scratch, "model")), "--overwrite", "--json",
        ]  # fmt: skip
        peer = [
            a.peer_python, str(HERE / "peers" / "trainer.py"), str(train), str(test),
            "--model", weights, "--epochs", "1", "--learning-rate", rate, "--batch-size", "32",
        ]  # fmt: skip
        speeds: dict[str, list[float]] = {"ours": [], "trainer": [], "trainer_best": []}
        for _ in range(a.turns):
            speeds["ours"].append(run_json(ours)["train"]["examples_per_second"])
            if not a.no_peer:
                best = run_json([*peer, "--best"])
                speeds["trainer_best"].append(best["examples_per_second"])
                if a.model == "minilm":
                    speeds["trainer"].append(run_json(peer)["examples_per_second"])
    ratios = {
        f"ratio_to_{other}": round(
            median([x / y for x, y in zip(speeds["ours"], speeds[other], strict=True)]), 2
        )
        for other in ("trainer", "trainer_best")
        if speeds[other]
    }
    result = {
        "model": a.model,
        "data": name,
        "examples_per_second": {k: median(v) for k, v in speeds.items() if v},
        "all": speeds,
        **ratios,
    }
    write_result("finetune_speed", arguments, result, variant=a.model)
