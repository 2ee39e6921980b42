"""Tokens a second of masked-language pretraining by size, and the hours that follow from them.

Each size of BERT learns from random weights for some steps of rows of one length. From the rate
come the hours for 10 million to 10 billion tokens on this machine, and, by arithmetic alone, on
several that each take a batch of that size and exchange their gradients over a network: nothing of
the latter is measured. Sizes whose figures are in `--work` are not run again, so a command that was
cut short can be repeated.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

from benchmarks.common import GLOSSATOR, machine, median, parser, run_json, write_result
from glossator.models.sizes import SIZES

TOKENS = {"10 million": 1e7, "100 million": 1e8, "1 billion": 1e9, "10 billion": 1e10}
ROWS = 32  # of a step, as by default


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--text", required=True, help="texts, one a line")
    p.add_argument("--work", type=pathlib.Path, required=True, help="folder for what is made")
    p.add_argument("--size", nargs="+", default=list(SIZES), choices=SIZES)
    p.add_argument("--vocabulary", type=int, default=30522)
    p.add_argument("--length", type=int, default=128)
    p.add_argument("--steps", type=int, default=30)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--machines", type=int, default=8)
    p.add_argument("--gigabits", type=float, default=10.0, help="a second, between machines")
    a = p.parse_args(arguments)
    a.work.mkdir(parents=True, exist_ok=True)
    sizes = {size: with_hours(a, measured(a, size)) for size in a.size}
    print(table(a, sizes))
    write_result("pretrain_sizes", arguments, {"sizes": sizes})


def measured(a: argparse.Namespace, size: str) -> dict[str, Any]:
    """Parameters and tokens a second, as they are in the folder or measured now."""
    key = {"machine": machine(), "steps": a.steps, "turns": a.turns, "text": text_key(a)}
    file = a.work / f"{size}-{a.vocabulary}-{a.length}.json"
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return dict(kept["figures"])
    rates = [rate(a, size) for _ in range(a.turns)]
    found = {
        "parameters": parameters(a, size),
        "tokens_per_second": round(median(rates)),
        "all": rates,
    }
    file.write_text(json.dumps({"key": key, "figures": found}), encoding="utf-8")
    return found


def text_key(a: argparse.Namespace) -> list[Any]:
    return [pathlib.Path(a.text).name, pathlib.Path(a.text).stat().st_size]


def rate(a: argparse.Namespace, size: str) -> float:
    """Tokens a second of the training loop alone, evaluations left out."""
    corpus, tokenizer = a.work / "corpus.txt", a.work / f"tokenizer-{a.vocabulary}"
    lines = pathlib.Path(a.text).read_text(encoding="utf-8").splitlines()
    corpus.write_text("\n\n".join(lines), encoding="utf-8")
    if not tokenizer.exists():
        words = ["--vocab-size", str(a.vocabulary), "--output", str(tokenizer), "--json"]
        run_json([*GLOSSATOR, "tokenizer", str(corpus), *words])
    found = run_json([
        *GLOSSATOR, "pretrain", str(corpus), "--tokenizer", str(tokenizer), "--size", size,
        "--length", str(a.length), "--batch-size", str(ROWS), "--max-steps", str(a.steps),
        "--epochs", "1000", "--evaluation-steps", str(a.steps), "--checkpoint-steps", "100000",
        "--output", str(a.work / "model"), "--overwrite", "--json",
    ])  # fmt: skip
    return float(found["train"]["tokens_per_second"])


def parameters(a: argparse.Namespace, size: str) -> int:
    from glossator.models import families, new_models

    bert = families.by_model_type("bert")
    config = bert.sized(SIZES[size], vocabulary=a.vocabulary, length=512, pad=0)
    return sum(x.numel() for x in new_models.new_masked(config).parameters())


def with_hours(a: argparse.Namespace, found: dict[str, Any]) -> dict[str, Any]:
    """What was measured, and the hours that follow on one machine and on several."""
    rate, batch = found["tokens_per_second"], ROWS * a.length
    step = batch / rate
    # Each float32 gradient is sent and received about twice (a ring of N machines).
    sent = 2 * (a.machines - 1) / a.machines * 4 * found["parameters"] * 8
    together = step + sent / (a.gigabits * 1e9)
    return found | {
        "hours_on_one": {name: rounded(n / rate) for name, n in TOKENS.items()},
        f"hours_on_{a.machines}_computed": {
            name: rounded(n / (a.machines * batch) * together) for name, n in TOKENS.items()
        },
    }


def rounded(seconds: float) -> float:
    """Hours to two digits that count."""
    return float(f"{seconds / 3600:.2g}")


def table(a: argparse.Namespace, sizes: dict[str, dict[str, Any]]) -> str:
    """The figures in Markdown."""
    names = ["size", "parameters", "tokens a second", *TOKENS]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for size, found in sizes.items():
        one, many = found["hours_on_one"], found[f"hours_on_{a.machines}_computed"]
        hours = [f"{one[name]:g} / {many[name]:g} h" for name in TOKENS]
        cells = [size, f"{found['parameters'] / 1e6:.1f} M", f"{found['tokens_per_second']:,}"]
        lines.append(f"| {' | '.join([*cells, *hours])} |")
    return "\n".join(lines)
