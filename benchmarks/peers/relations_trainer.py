"""Peer: transformers' Trainer on the tables of `benchmarks relations`, with our marks and head.

An `AutoModel`, `@` round the head and `#` round the tail, the states of the two marks that open
them side by side into a dense layer (Zhou and Chen 2021). The last line is a JSON object;
`seconds` is `train()` alone, and `macro_f1` the official score where relations have directions.
"""

from __future__ import annotations

import json
from typing import Any

import best_trainer
import numpy as np
import torch
import transformers as hf
from best_trainer import Rows


class Relations(torch.nn.Module):
    """The encoder with its head."""

    def __init__(self, folder: str, labels: int):
        super().__init__()
        self.encoder = hf.AutoModel.from_pretrained(folder, add_pooling_layer=False)
        self.config = self.encoder.config
        width, std = self.config.hidden_size, self.config.initializer_range
        self.dense, self.output = torch.nn.Linear(2 * width, width), torch.nn.Linear(width, labels)
        self.dropout = torch.nn.Dropout(self.config.hidden_dropout_prob)
        for layer in (self.dense, self.output):
            torch.nn.init.normal_(layer.weight, 0.0, std)
            torch.nn.init.zeros_(layer.bias)

    def forward(
        self, input_ids: Any, attention_mask: Any, places: Any, labels: Any = None
    ) -> dict[str, Any]:
        x = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
        rows = torch.arange(len(x), device=x.device)[:, None]
        logits = self.output(self.dropout(torch.relu(self.dense(x[rows, places].flatten(1)))))
        loss = torch.nn.functional.cross_entropy(logits.float(), labels)
        return {"loss": loss, "logits": logits}


def main() -> None:
    a = best_trainer.parser(__doc__).parse_args()
    hf.set_seed(a.seed)
    train, test = (best_trainer.read(path) for path in (a.train, a.test))
    names = sorted({row["relation"] for row in train})
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    trainer = hf.Trainer(
        model=Relations(a.model, len(names)),
        args=best_trainer.arguments(a, remove_unused_columns=False),
        train_dataset=encoded(tokenizer, train, names),
        data_collator=lambda rows: collate(tokenizer, rows),
        processing_class=tokenizer,
    )
    speed = best_trainer.timed(trainer, a, len(train))
    out = trainer.predict(encoded(tokenizer, test, names))
    answers = [names[i] for i in out.predictions.argmax(-1)]
    gold = [row["relation"] for row in test]
    result = {
        **speed,
        "accuracy": round(float(np.mean([x == y for x, y in zip(gold, answers, strict=True)])), 4),
        "macro_f1": round(macro_f1(gold, answers), 4),
    }
    print(json.dumps(result))


def encoded(tokenizer: Any, rows: Rows, names: list[str]) -> Rows:
    number = {name: i for i, name in enumerate(names)}
    made = []
    for row in rows:
        text, opened = marked(row)
        out = tokenizer(text, truncation=True, max_length=512)
        places = [out.char_to_token(place) for place in opened]
        label = number.get(row["relation"], 0)
        made.append({"input_ids": out["input_ids"], "places": places, "labels": label})
    return made


def marked(row: dict[str, Any]) -> tuple[str, list[int]]:
    """The text with its marks, and where those that open head and tail stand in it."""
    cuts = []
    for side, mark in (("head", "@"), ("tail", "#")):
        start, end = row[side]
        cuts += [(start, 1, start - end, mark, side), (end, 0, end - start, mark, side)]
    text, last, opened = "", 0, {}
    for place, opens, _, mark, side in sorted(cuts):
        text += row["text"][last:place] + " "
        if opens:
            opened[side] = len(text)
        text, last = text + mark + " ", place
    return text + row["text"][last:], [opened["head"], opened["tail"]]


def collate(tokenizer: Any, rows: Rows) -> dict[str, Any]:
    ids = [{"input_ids": row["input_ids"]} for row in rows]
    batch = dict(tokenizer.pad(ids, return_tensors="pt", return_attention_mask=True))
    for name in ("places", "labels"):
        batch[name] = torch.tensor([row[name] for row in rows])
    return {name: batch[name] for name in ("input_ids", "attention_mask", "places", "labels")}


def macro_f1(gold: list[str], answers: list[str]) -> float:
    """Over relations, both directions of one together, a wrong direction being wrong."""
    pairs = list(zip(gold, answers, strict=True))
    found = []
    for name in sorted({x.split("(")[0] for x in gold} - {"Other", "unknown"}):
        right = sum(x == y and x.split("(")[0] == name for x, y in pairs)
        there = sum((x.split("(")[0] == name) + (y.split("(")[0] == name) for x, y in pairs)
        found.append(2 * right / there)
    return float(np.mean(found))


main()
