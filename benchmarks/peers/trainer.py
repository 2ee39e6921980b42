"""Peer: sequence classification with transformers' Trainer on a CSV table.

With --best it gets what its documentation offers for speed on a CPU: bfloat16, batches grouped
by length, the fused optimizer. The last line is a JSON object; `seconds` is `train()` alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time

import torch
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

    fast = {
        "bf16": True,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
    }
    arguments = hf.TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=a.batch_size,
        per_device_eval_batch_size=32,
        num_train_epochs=a.epochs,
        learning_rate=a.learning_rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        seed=a.seed,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        **(fast if a.best else {}),
    )
    rows = encoded(texts, labels)
    trainer = hf.Trainer(
        model=model,
        args=arguments,
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
