"""Labels that change and how far logits move between a text alone and in batches; price of exact.

The minilm starter is fine-tuned on some rows of Banking77 first, so that logits have a real size.
"""

from __future__ import annotations

import csv
import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import (
    GLOSSATOR,
    data_folder,
    head_of_table,
    median,
    parser,
    run_json,
    write_result,
)

if TYPE_CHECKING:
    from glossator import Predictor

Precision = Literal["float32", "bfloat16", "exact"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
SIZES = (2, 8, 64)
Logits = NDArray[np.float32]


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--model", help="a model folder to ask; by default one is fine-tuned first")
    p.add_argument("--rows", type=int, default=300, help="test rows to ask it about")
    p.add_argument("--train-rows", type=int, default=4000)
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--threads", type=int, help="by default as many as torch takes")
    a = p.parse_args(arguments)
    folder = data_folder(a) / "banking77"
    with tempfile.TemporaryDirectory() as scratch:
        test = pathlib.Path(scratch, "test.csv")
        head_of_table(folder / "test.csv", a.rows, test)
        with open(test, newline="", encoding="utf-8") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        model = a.model or _fine_tuned(folder, a.train_rows, pathlib.Path(scratch))
        result = measure(model, texts, turns=a.turns, threads=a.threads)
    write_result("invariance", arguments, result)


def measure(
    folder: str, texts: Sequence[str], *, turns: int, threads: int | None
) -> dict[str, Any]:
    """What neighbours change in each precision, and texts a second in turns, one a precision."""
    import torch

    from glossator import load
    from glossator.models.config import RuntimeConfig

    models = {
        precision: load(folder, runtime=RuntimeConfig(precision=precision, threads=threads))
        for precision in PRECISIONS
    }
    moved = {precision: _moved(model, texts) for precision, model in models.items()}
    speeds: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(turns):
        for precision, model in models.items():
            speeds[precision].append(_texts_per_second(model, texts))
    pairs = zip(speeds["exact"], speeds["float32"], strict=True)
    return {
        "texts": len(texts),
        "threads": threads or torch.get_num_threads(),
        "batch_sizes": SIZES,
        "neighbours": moved,
        "texts_per_second": {name: round(median(x), 1) for name, x in speeds.items()},
        "exact_to_float32": round(median([exact / usual for exact, usual in pairs]), 3),
    }


def _fine_tuned(data: pathlib.Path, rows: int, scratch: pathlib.Path) -> str:
    head_of_table(data / "train.csv", rows, scratch / "train.csv")
    command = [
        *GLOSSATOR, "fit", str(scratch / "train.csv"), "--test", str(scratch / "test.csv"),
        "--dev-fraction", "0", "--model", "minilm", "--epochs", "2", "--learning-rate", "2e-4",
        "--batch-size", "32", "--output", str(scratch / "model"), "--json",
    ]  # fmt: skip
    run_json(command)
    return str(scratch / "model")


def _moved(model: Predictor, texts: Sequence[str]) -> dict[str, Any]:
    """Over shuffled batches of every size, the last text of each a long one."""
    alone = np.concatenate([model.answers([text]).raw for text in texts])
    neighbour = " ".join(texts)[:500]
    labels, furthest, bits = 0, 0.0, 0
    for size in SIZES:
        order = np.random.default_rng(size).permutation(len(texts))
        for batch in np.split(order, range(size - 1, len(order), size - 1)):
            beside = np.stack(model.answers([*(texts[i] for i in batch), neighbour]).raw[:-1])
            labels += int((beside.argmax(1) != alone[batch].argmax(1)).sum())
            furthest = max(furthest, _furthest(beside, alone[batch]))
            bits += int((beside != alone[batch]).any(1).sum())
    return {
        "answers": len(SIZES) * len(texts),
        "labels_changed": labels,
        "largest_logit_difference": furthest,
        "answers_with_another_bit": bits,
        "largest_logit": round(float(np.abs(alone).max()), 2),
    }


def _furthest(a: Logits, b: Logits) -> float:
    return float(np.abs(a - b).max(initial=0))


def _texts_per_second(model: Predictor, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    model.answers(texts)
    return len(texts) / (time.perf_counter() - began)
