"""SetFit on a few rows a class, as its paper trains it (20 pairs of each kind a row, one epoch)."""

from __future__ import annotations

import argparse
import json
import tempfile
import time

import datasets
import torch
from setfit import SetFitModel, Trainer, TrainingArguments

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("train")
    p.add_argument("test")
    p.add_argument("--model", required=True)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--pairs", type=int, default=20)
    a = p.parse_args()
    torch.manual_seed(a.seed)

    def read(path: str) -> list[dict[str, str]]:
        with open(path, encoding="utf-8") as file:
            return [{x: row[x] for x in ("text", "label")} for row in map(json.loads, file)]

    train, test = read(a.train), read(a.test)
    model = SetFitModel.from_pretrained(a.model)
    told = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        batch_size=16,
        num_epochs=1,
        num_iterations=a.pairs,
        seed=a.seed,
        report_to="none",
        save_strategy="no",
        show_progress_bar=False,
    )
    trainer = Trainer(model=model, args=told, train_dataset=datasets.Dataset.from_list(train))
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    said = model.predict([row["text"] for row in test])
    right = sum(str(x) == row["label"] for x, row in zip(said, test, strict=True))
    print(json.dumps({"accuracy": round(100 * right / len(test), 2), "seconds": round(seconds, 3)}))
