"""What the scripts beside this one share: their arguments, their rows, the Trainer at its best.

On is what its documentation offers for speed: bfloat16 where the hardware computes it, batches
grouped by length, the fused optimizer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import torch
import transformers as hf

Rows = list[dict[str, Any]]

_ROWS_A_STEP = 32


def parser(doc: str | None) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=doc)
    p.add_argument("train")
    p.add_argument("test")
    p.add_argument("--model", required=True)
    p.add_argument("--epochs", type=float, default=3)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--seed", type=int, default=0)
    return p


def read(path: str) -> Rows:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def arguments(
    a: argparse.Namespace, *, parts: int = 1, best: bool = True, **more: Any
) -> hf.TrainingArguments:
    """Of a run.

    Args:
        a: as `parser` reads them.
        parts: in which the rows of a step go through the model, where all at once are too many.
        best: at its best, or as it comes.
        more: of the Trainer's own.
    """
    if best:
        more |= {
            "bf16": computes_bfloat16(),
            "optim": "adamw_torch_fused",
            "train_sampling_strategy": "group_by_length",
        }
    return hf.TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=getattr(a, "batch_size", _ROWS_A_STEP) // parts,
        gradient_accumulation_steps=parts,
        per_device_eval_batch_size=_ROWS_A_STEP // parts,
        num_train_epochs=a.epochs,
        learning_rate=a.learning_rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        seed=a.seed,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        **more,
    )


def computes_bfloat16() -> bool:
    """Whether bfloat16 is fast here; where it is not, a step takes 20 times as long with it."""
    if torch.cuda.is_available():
        return True
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def timed(trainer: hf.Trainer, a: argparse.Namespace, rows: int) -> dict[str, float]:
    """Train; how long `train()` alone took, and how many training rows that is a second."""
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    trainer.args.train_sampling_strategy = "random"  # else what is predicted is reordered, too
    speed = round(rows * a.epochs / seconds, 1)
    return {"seconds": round(seconds, 3), "examples_per_second": speed}
