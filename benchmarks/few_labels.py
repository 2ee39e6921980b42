"""What pretraining on raw text of one's own brings a classifier with few labels.

The texts of a data set's training rows are read without their labels for some minutes; then both
models, with and without that, learn from the same few labels a class, with several seeds (of the
rows and of training), and are tested on the data set's test rows. With `--start minilm` a starter
goes on with the text, against the plain one; else a new model against random weights. What is in
`--work` already, folders and accuracies, is taken as it is, so the command can be repeated where it
was cut short.
"""

from __future__ import annotations

import argparse
import csv
import json
import pathlib
import random
import statistics

from benchmarks.common import GLOSSATOR, data_folder, parser, run_json, write_result

# Half a 95% interval of a mean of differences, in standard errors, by the number of seeds.
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("name", help="folder of the data set: clinc150, hotel_zh ...")
    p.add_argument("--work", type=pathlib.Path, required=True, help="folder for what is made")
    p.add_argument("--start", default="", help="a starter, in the place of random weights")
    p.add_argument("--objective", default="mlm")
    p.add_argument("--size", default="mini")
    p.add_argument("--vocabulary", type=int, default=4000)
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--labels", type=int, default=10, help="a class")
    p.add_argument("--seeds", type=int, default=5, choices=STUDENT)
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--learning-rate", type=float, default=5e-4)
    a = p.parse_args(arguments)
    a.work.mkdir(parents=True, exist_ok=True)
    source = data_folder(a) / a.name
    scores = pretrained(a, source)
    models = {"without": a.start or random_folder(a), "with": str(model_folder(a))}
    runs = [
        {who: accuracy(a, model, source, seed) for who, model in models.items()}
        for seed in range(a.seeds)
    ]
    differences = [100 * (run["with"] - run["without"]) for run in runs]
    mean, error = statistics.mean(differences), statistics.stdev(differences) / len(runs) ** 0.5
    half = STUDENT[a.seeds] * error
    write_result(
        "few_labels",
        [x for x in arguments if x not in ("--work", str(a.work))],
        {
            "pretraining": scores,
            "accuracy": runs,
            "mean_without": statistics.mean(run["without"] for run in runs),
            "mean_with": statistics.mean(run["with"] for run in runs),
            "points": round(mean, 2),
            "interval_95": [round(mean - half, 2), round(mean + half, 2)],
        },
        variant=f"{a.name}_{a.start or a.size}",
    )


def model_folder(a: argparse.Namespace) -> pathlib.Path:
    """Named after all that it hangs on, so that no command takes another's model for its own."""
    start = a.start or f"{a.size}-{a.vocabulary}"
    return pathlib.Path(a.work) / f"{a.name}-{start}-{a.objective}-{a.minutes:g}min"


def pretrained(a: argparse.Namespace, source: pathlib.Path) -> dict[str, object]:
    """Scores of the model on held-out text, which is trained unless it is there."""
    raw, tokenizer = a.work / f"{a.name}.txt", a.work / f"{a.name}-tokenizer-{a.vocabulary}"
    raw.write_text("\n\n".join(row["text"] for row in table(source / "train.csv")))
    start = ["--model", a.start]
    if not a.start:
        if not tokenizer.exists():
            words = ["--vocab-size", str(a.vocabulary), "--output", str(tokenizer), "--json"]
            run_json([*GLOSSATOR, "tokenizer", str(raw), *words])
        start = ["--tokenizer", str(tokenizer), "--size", a.size]
    scores = a.work / f"{model_folder(a).name}.scores.json"
    if not scores.exists():
        found = run_json([
            *GLOSSATOR, "pretrain", str(raw), *start, "--objective", a.objective,
            "--time-limit", f"{a.minutes * 60:.0f}s", "--epochs", "1000", "--patience", "1000",
            "--min-characters", "1", "--boilerplate", "0",
            "--output", str(model_folder(a)), "--resume", "--json",
        ])  # fmt: skip
        scores.write_text(json.dumps({**found["train"], **found["dev"]}))
    return dict(json.loads(scores.read_text()))


def random_folder(a: argparse.Namespace) -> str:
    """A model of the same size and tokenizer that has read nothing."""
    from glossator.models import checkpoint, new_models
    from glossator.text.tokenizer import Tokenizer

    folder = a.work / f"{a.name}-{a.size}-{a.vocabulary}-random"
    if not folder.exists():
        config = checkpoint.load_encoder(model_folder(a)).config
        checkpoint.save(new_models.new_masked(config, 0), folder)
        Tokenizer.load(model_folder(a)).save(folder)
    return str(folder)


def accuracy(a: argparse.Namespace, model: str, source: pathlib.Path, seed: int) -> float:
    """On the test rows, as it is kept in the folder or measured now."""
    kept = a.work / f"{a.name}-accuracies.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    how = f"{a.labels} labels, {a.epochs} epochs, {a.learning_rate:g}, seed {seed}"
    key = f"{pathlib.Path(model).name}, {how}"
    if key not in known:
        known[key] = measured(a, model, source, seed)
        kept.write_text(json.dumps(known, indent=1))
    return float(known[key])


def measured(a: argparse.Namespace, model: str, source: pathlib.Path, seed: int) -> float:
    """On the test rows, after learning from a few rows of each class, which the seed draws."""
    rows = table(source / "train.csv")
    random.Random(seed).shuffle(rows)
    left = dict.fromkeys({row["label"] for row in rows}, a.labels)
    kept = []
    for row in rows:
        if left[row["label"]]:
            left[row["label"]] -= 1
            kept.append(row)
    few = a.work / f"{a.name}-few-{seed}.csv"
    write(few, kept)
    test = a.work / f"{a.name}-test.csv"
    write(test, table(source / "test.csv"))
    found = run_json([
        *GLOSSATOR, "fit", str(few), "--test", str(test), "--dev-fraction", "0",
        "--model", model, "--epochs", str(a.epochs), "--learning-rate", str(a.learning_rate),
        "--batch-size", "16", "--seed", str(seed), "--output", str(a.work / "fitted"),
        "--overwrite", "--json",
    ])  # fmt: skip
    return float(found["test"]["accuracy"])


def table(path: pathlib.Path) -> list[dict[str, str]]:
    """Rows of the classes; those that belong to none (`oos`) are left out."""
    with open(path, newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["label"] != "oos"]


def write(path: pathlib.Path, rows: list[dict[str, str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
