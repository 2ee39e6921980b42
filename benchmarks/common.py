"""What all measurements share: running a command, the machine, writing a result down."""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent
GLOSSATOR = [sys.executable, "-m", "glossator"]


def parser(doc: str | None) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=doc)
    p.add_argument("--data", default=os.environ.get("GLOSSATOR_DATA"), help="folder of the data")
    p.add_argument("--peer-python", default=sys.executable, help="Python with peers/requirements")
    p.add_argument("--no-peer", action="store_true", help="measure ours alone")
    return p


def data_folder(arguments: argparse.Namespace) -> pathlib.Path:
    if not arguments.data:
        sys.exit("name the folder of the data sets with --data or GLOSSATOR_DATA")
    return pathlib.Path(arguments.data)


def run_json(command: list[str], **environment: str) -> dict[str, Any]:
    """Run a command whose last line on standard output is a JSON object."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
    )
    if done.returncode:
        sys.exit(f"exit {done.returncode}: {' '.join(command)}")
    text = done.stdout.strip()
    return dict(json.loads(text if text.startswith("{\n") else text.splitlines()[-1]))


def starter_folder(name: str) -> str:
    from glossator.models.starter import locate

    return str(locate(name))


def head_of_table(
    source: pathlib.Path, rows: int, target: pathlib.Path, *, longest: int | None = None
) -> None:
    """A sample of a CSV table, the same for us and for the peer; `longest` bounds a text."""
    with open(source, newline="", encoding="utf-8") as file:
        header, *body = csv.reader(file)
    if longest:
        body = [row for row in body if len(row[header.index("text")]) <= longest]
    if rows and rows < len(body):
        body = random.Random(0).sample(body, rows)
    with open(target, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *body])


def tiny_bert(folder: pathlib.Path, *, width: int = 16, inner: int = 32) -> None:
    """A random two-block BERT with a vocabulary of characters, as transformers writes it."""
    import tokenizers
    import torch
    import transformers as hf

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
        vocabulary += [letter, f"##{letter}"]
    inner_tokenizer = tokenizers.BertWordPieceTokenizer({v: i for i, v in enumerate(vocabulary)})
    config = hf.BertConfig(
        vocab_size=len(vocabulary), hidden_size=width, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=inner, max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    hf.BertModel(config).save_pretrained(folder)
    inner_tokenizer.save(str(folder / "tokenizer.json"))


def median(values: list[float]) -> float:
    return statistics.median(values)


def machine() -> dict[str, Any]:
    model = platform.processor()
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        model = next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    import torch

    return {"processor": model, "cores": os.cpu_count(), "torch": torch.__version__}


def write_result(
    name: str, arguments: list[str], result: dict[str, Any], *, variant: str = ""
) -> None:
    """Print a result and keep it in `results/` with machine, date and command.

    Args:
        name: of the measurement, and with `_variant` of the file.
        arguments: of the command; those that say where files lie are left out.
        result: as JSON.
        variant: of the measurement, where several are kept.
    """
    record = {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python -m benchmarks", name, *_without_paths(arguments)]),
        "machine": machine(),
        **result,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (HERE / "results").mkdir(exist_ok=True)
    file = f"{name}_{variant}.json" if variant else f"{name}.json"
    (HERE / "results" / file).write_text(text + "\n", encoding="utf-8")
    print(text)


def _without_paths(arguments: list[str]) -> list[str]:
    """Arguments without those that say where things lie on one machine."""
    kept, skip = [], False
    for argument in arguments:
        if argument in ("--data", "--folder", "--names", "--peer-python", "--text", "--work"):
            skip = True
        elif not skip:
            kept.append(argument)
        else:
            skip = False
    return kept
