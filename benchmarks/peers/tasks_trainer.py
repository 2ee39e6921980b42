"""Peer: transformers' Trainer at its best on the tables of `benchmarks tasks`.

Labels, lists of labels, numbers, pairs, tags of words, or answers to questions. The last line is a
JSON object; `seconds` is `train()` alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import best_trainer
import numpy as np
import transformers as hf
from best_trainer import Rows


def main() -> None:
    p = best_trainer.parser(__doc__)
    kinds = ("answers", "label", "labels", "number", "tags")
    p.add_argument("--kind", choices=kinds, required=True)
    a = p.parse_args()
    hf.set_seed(a.seed)
    train, test = (best_trainer.read(path) for path in (a.train, a.test))
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    if a.kind == "answers":
        from tasks_answers import answers as prepare
    else:
        prepare = tags if a.kind == "tags" else texts
    model, encoded, collator, score = prepare(a, tokenizer, train)
    # 32 long texts at once take more memory than 14 GB: a step is then four parts of eight.
    parts = 4 if a.kind in ("answers", "labels") else 1
    trainer = hf.Trainer(
        model=model,
        args=best_trainer.arguments(a, parts=parts),
        train_dataset=encoded(train),
        data_collator=collator,
        processing_class=tokenizer,
    )
    speed = best_trainer.timed(trainer, a, len(train))
    out = trainer.predict(encoded(test))
    result = {
        **speed,
        **{name: round(float(x), 4) for name, x in score(out.predictions, out.label_ids).items()},
    }
    print(json.dumps(result))


def texts(
    a: argparse.Namespace, tokenizer: Any, train: Rows
) -> tuple[Any, Callable[[Rows], Rows], Any, Callable[..., dict[str, float]]]:
    """A text or a pair, with a label, some labels or a number."""
    several = {"label": lambda r: [r["label"]], "labels": lambda r: r["labels"]}
    found = {x for row in train for x in several.get(a.kind, lambda r: ())(row)}
    names = sorted(found)
    number = {name: i for i, name in enumerate(names)}
    problem = {"labels": "multi_label_classification", "number": "regression"}.get(a.kind)
    model = hf.AutoModelForSequenceClassification.from_pretrained(
        a.model, num_labels=len(names) or 1, problem_type=problem
    )

    def target(row: dict[str, Any]) -> Any:
        if a.kind == "number":
            return float(row["label"])
        if a.kind == "label":
            return number.get(row["label"], 0)
        return [float(name in row["labels"]) for name in names]

    def encoded(rows: Rows) -> Rows:
        pairs = [row["text_pair"] for row in rows] if "text_pair" in rows[0] else None
        out = tokenizer([r["text"] for r in rows], pairs, truncation=True, max_length=512)
        keys = [key for key in ("input_ids", "attention_mask", "token_type_ids") if key in out]
        return [
            {**{key: out[key][i] for key in keys}, "labels": target(row)}
            for i, row in enumerate(rows)
        ]

    def score(predictions: Any, gold: Any) -> dict[str, float]:
        if a.kind == "label":
            return {"accuracy": (predictions.argmax(-1) == gold).mean()}
        if a.kind == "labels":
            hits = ((predictions > 0) & (gold > 0)).sum()
            return {"micro_f1": 2 * hits / ((predictions > 0).sum() + (gold > 0).sum())}
        ranks = [_ranks(x.reshape(-1)) for x in (predictions, gold)]
        return {"spearman": np.corrcoef(*ranks)[0, 1]}

    return model, encoded, hf.DataCollatorWithPadding(tokenizer), score


def _ranks(values: Any) -> Any:
    """Ranks of values; equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + last - 1) / 2)[inverse]


def tags(
    a: argparse.Namespace, tokenizer: Any, train: Rows
) -> tuple[Any, Callable[[Rows], Rows], Any, Callable[..., dict[str, float]]]:
    """Words with a tag each, which the first piece of a word carries."""
    from seqeval.metrics import f1_score

    names = sorted({tag for row in train for tag in row["tags"]})
    number = {name: i for i, name in enumerate(names)}
    model = hf.AutoModelForTokenClassification.from_pretrained(a.model, num_labels=len(names))

    def encoded(rows: Rows) -> Rows:
        out = tokenizer(
            [r["tokens"] for r in rows], is_split_into_words=True, truncation=True, max_length=512
        )
        made = []
        for i, row in enumerate(rows):
            words = out.word_ids(i)
            before = [None, *words[:-1]]
            labels = [
                -100 if w is None or w == b else number.get(row["tags"][w], number["O"])
                for w, b in zip(words, before, strict=True)
            ]
            mask = out["attention_mask"][i]
            made.append(
                {"input_ids": out["input_ids"][i], "attention_mask": mask, "labels": labels}
            )
        return made

    def score(predictions: Any, gold: Any) -> dict[str, float]:
        best = predictions.argmax(-1)
        right = [[names[x] for x in row[row >= 0]] for row in gold]
        found = [[names[x] for x in b[g >= 0]] for b, g in zip(best, gold, strict=True)]
        return {"f1": f1_score(right, found)}

    return model, encoded, hf.DataCollatorForTokenClassification(tokenizer), score


main()
