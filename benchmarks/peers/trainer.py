"""Peer: sequence classification with transformers' Trainer on a CSV table.

With --best it gets what its documentation offers for speed on a CPU: bfloat16, batches grouped
by length, the fused optimizer. The last line is a JSON object; `seconds` is `train()` alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import time

import best_trainer
import transformers as hf


def read(path: str, text: str, label: str) -> tuple[list[str], list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row[text] for row in rows], [row[label] for row in rows]


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("train")
    p.add_argument("test")
    p.add_argument("--model", required=True)
    p.add_argument("--text", default="text")
    p.add_argument("--label", default="label")
    p.add_argument("--best", action="store_true")
    p.add_argument("--epochs", type=float, default=1)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()

    hf.set_seed(a.seed)
    texts, labels = read(a.train, a.text, a.label)
    test_texts, test_labels = read(a.test, a.text, a.label)
    names = sorted(set(labels))
    number = {name: i for i, name in enumerate(names)}
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    model = hf.AutoModelForSequenceClassification.from_pretrained(a.model, num_labels=len(names))

    def encoded(texts: list[str], labels: list[str]) -> list[dict[str, object]]:
        out = tokenizer(texts, truncation=True, max_length=512)
        return [
            {"input_ids": ids, "attention_mask": mask, "labels": number.get(label, 0)}
            for ids, mask, label in zip(
                out["input_ids"], out["attention_mask"], labels, strict=True
            )
        ]

    rows = encoded(texts, labels)
    trainer = hf.Trainer(
        model=model,
        args=best_trainer.arguments(a, best=a.best),
        train_dataset=rows,
        data_collator=hf.DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    out = trainer.predict(encoded(test_texts, test_labels))
    # The grouped sampler reorders the rows: predictions go with label_ids, not with the table.
    accuracy = float((out.predictions.argmax(-1) == out.label_ids).mean())
    result = {
        "seconds": round(seconds, 3),
        "examples_per_second": round(len(rows) * a.epochs / seconds, 1),
        "accuracy": round(accuracy, 4),
    }
    print(json.dumps(result))


main()
