"""Every pretraining objective from random weights, some minutes each, against a guess.

A new model of one size reads raw text for `--minutes` with each objective. Its scores on held-out
text stand beside those of a guess that knows how often things occur, and nothing of the context.
What is in `--work` already is not run again, so a command that was cut short can be repeated.
"""

from __future__ import annotations

import argparse
import csv
import json
import pathlib
from typing import Any, NamedTuple

from benchmarks.common import GLOSSATOR, data_folder, parser, run_json, write_result


class _Job(NamedTuple):
    """How an objective is tried."""

    family: str = "bert"
    language: str = "en"
    measure: str | None = "masked_accuracy"  # that has to rise; the loss has to fall for all


JOBS = {
    "mlm": _Job(),
    "wwm": _Job(),
    "span": _Job(),
    "zh-wwm": _Job(language="zh"),
    "nsp": _Job(measure="accuracy"),
    "sop": _Job(measure="accuracy"),
    "rtd": _Job("electra", measure="f1"),
    "clm": _Job("gpt2", measure=None),
}


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--work", type=pathlib.Path, required=True, help="folder for what is made")
    p.add_argument("--objective", nargs="+", default=list(JOBS), choices=JOBS)
    p.add_argument("--minutes", type=float, default=10)
    p.add_argument("--size", default="tiny")
    p.add_argument("--vocabulary", type=int, default=30522)
    a = p.parse_args(arguments)
    a.work.mkdir(parents=True, exist_ok=True)
    objectives = {name: verdict(name, learned(a, name)) for name in a.objective}
    write_result("objectives", arguments, {"objectives": objectives})


def verdict(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """The scores, and whether they are better than those of a guess."""
    dev, guess, measure = found["dev"], found["dev"]["baseline"], JOBS[name].measure
    better = dev["loss"] < guess["loss"] and (not measure or dev[measure] > guess[measure])
    return {"better_than_a_guess": better, "dev": dev, "train": found["train"]}


def learned(a: argparse.Namespace, name: str) -> dict[str, Any]:
    """What `pretrain` says at its end."""
    job, minutes = JOBS[name], f"{a.minutes:g}min"
    folder = a.work / f"{name}-{a.size}-{a.vocabulary}-{minutes}"
    kept = folder.with_suffix(".json")
    if not kept.exists():
        text = corpus(a, job.language)
        found = run_json([
            *GLOSSATOR, "pretrain", str(text), "--tokenizer", str(tokenizer(a, job)),
            "--family", job.family, "--size", a.size, "--objective", name,
            "--sentences", "punctuation", "--batch-size", "16", "--length", "128",
            "--time-limit", f"{a.minutes * 60:.0f}s", "--epochs", "1000", "--patience", "1000",
            "--output", str(folder), "--resume", "--json",
        ])  # fmt: skip
        kept.write_text(json.dumps({part: found[part] for part in ("dev", "train")}))
    return dict(json.loads(kept.read_text()))


def corpus(a: argparse.Namespace, language: str) -> pathlib.Path:
    """Reviews of films, or of hotels in Chinese: a document each, without its label."""
    text = pathlib.Path(a.work / f"{language}.jsonl")
    if not text.exists():
        source = data_folder(a) / "hotel_zh" / "train.csv" if language == "zh" else film_reviews()
        with open(source, newline="", encoding="utf-8") as rows:
            documents = [json.dumps({"text": row["text"]}) for row in csv.DictReader(rows)]
        text.write_text("\n".join(documents), encoding="utf-8")
    return text


def film_reviews() -> pathlib.Path:
    from glossator.text.samples import locate

    return pathlib.Path(locate("film-reviews"))


def tokenizer(a: argparse.Namespace, job: _Job) -> pathlib.Path:
    """Of the corpus, of the kind that the family has."""
    kind = "bpe" if job.family == "gpt2" else "wordpiece"
    folder = pathlib.Path(a.work / f"{job.language}-{kind}-{a.vocabulary}")
    if not folder.exists():
        run_json([
            *GLOSSATOR, "tokenizer", str(corpus(a, job.language)), "--kind", kind,
            "--vocab-size", str(a.vocabulary), "--output", str(folder), "--json",
        ])  # fmt: skip
    return folder
