"""Peer of intents with slots: a bare encoder of transformers with two heads, in its Trainer.

The first token gives the intent and the first piece of a word its tag, each through dropout and one
linear map, as joint models of BERT are usually written (Chen, Zhuo and Wang 2019); the loss is
the sum of both cross-entropies. What its documentation offers for speed on a CPU is on: bfloat16,
batches grouped by length, the fused optimizer. `seconds` is `train()` alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import numpy as np
import torch
import transformers as hf
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from torch import nn

Rows = list[dict[str, Any]]
NO_TAG = -100


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("train")
    p.add_argument("test")
    p.add_argument("--model", required=True)
    p.add_argument("--epochs", type=float, default=3)
    p.add_argument("--learning-rate", type=float, default=2e-4)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    hf.set_seed(a.seed)
    train, test = (read(path) for path in (a.train, a.test))
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    intents = sorted({row["intent"] for row in train})
    tags = sorted({tag for row in train for tag in row["tags"]})
    rows = Encoder(tokenizer, intents, tags)
    trainer = hf.Trainer(
        model=TwoHeads(a.model, len(intents), len(tags)),
        args=arguments(a),
        train_dataset=rows(train),
        data_collator=hf.DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    trainer.args.train_sampling_strategy = "random"  # else what is predicted is reordered, too
    out = trainer.predict(rows(test))
    result = {
        **score(out, test, intents, tags),
        "seconds": round(seconds, 3),
        "examples_per_second": round(len(train) * a.epochs / seconds, 1),
    }
    print(json.dumps(result))


def read(path: str) -> Rows:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class TwoHeads(nn.Module):
    """An encoder, a linear map of its first state, and one of all its states."""

    def __init__(self, folder: str, intents: int, tags: int):
        super().__init__()
        self.encoder = hf.AutoModel.from_pretrained(folder, add_pooling_layer=False)
        self.config = self.encoder.config
        self.dropout = nn.Dropout(self.config.hidden_dropout_prob)
        self.intent = nn.Linear(self.config.hidden_size, intents)
        self.tags = nn.Linear(self.config.hidden_size, tags)

    def forward(
        self, input_ids: Any, attention_mask: Any, labels: Any = None, intent: Any = None
    ) -> dict[str, Any]:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        of_intent = self.intent(self.dropout(states[:, 0])).float()
        of_tags = self.tags(self.dropout(states)).float()
        loss = nn.functional.cross_entropy(of_intent, intent)
        loss = loss + nn.functional.cross_entropy(
            of_tags.flatten(0, 1), labels.flatten(), ignore_index=NO_TAG
        )
        return {"loss": loss, "intents": of_intent, "tags": of_tags}


class Encoder:
    """Rows as the Trainer takes them."""

    def __init__(self, tokenizer: Any, intents: list[str], tags: list[str]):
        self.tokenizer = tokenizer
        self.intents = {name: number for number, name in enumerate(intents)}
        self.tags = {name: number for number, name in enumerate(tags)}

    def __call__(self, rows: Rows) -> Rows:
        out = self.tokenizer(
            [row["tokens"] for row in rows],
            is_split_into_words=True,
            truncation=True,
            max_length=512,
        )
        return [self._row(out, number, row) for number, row in enumerate(rows)]

    def _row(self, out: Any, number: int, row: dict[str, Any]) -> dict[str, Any]:
        words = out.word_ids(number)
        labels = [
            NO_TAG if word is None or word == before else self.tags.get(row["tags"][word], 0)
            for word, before in zip(words, [None, *words[:-1]], strict=True)
        ]
        return {
            "input_ids": out["input_ids"][number],
            "attention_mask": out["attention_mask"][number],
            "labels": labels,
            "intent": self.intents.get(row["intent"], 0),
        }


def arguments(a: argparse.Namespace) -> hf.TrainingArguments:
    return hf.TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=32,
        per_device_eval_batch_size=32,
        num_train_epochs=a.epochs,
        learning_rate=a.learning_rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        seed=a.seed,
        label_names=["labels", "intent"],
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        bf16=True,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
    )


def score(out: Any, test: Rows, intents: list[str], tags: list[str]) -> dict[str, float]:
    """Gold intents and tags are those of the rows, so that what training has not is wrong."""
    of_intent, of_tags = out.predictions
    labels = out.label_ids[0]
    said = [intents[number] for number in of_intent.argmax(-1)]
    found = [
        [tags[number] for number in best[gold != NO_TAG]]
        for best, gold in zip(of_tags.argmax(-1), labels, strict=True)
    ]
    hit = np.array([row["intent"] == intent for row, intent in zip(test, said, strict=True)])
    slots = np.array(
        [
            set(get_entities(row["tags"])) == set(get_entities(best))
            for row, best in zip(test, found, strict=True)
        ]
    )
    return {
        "frame_accuracy": round(float((hit & slots).mean()), 4),
        "intent_accuracy": round(float(hit.mean()), 4),
        "slot_f1": round(float(f1_score([row["tags"] for row in test], found)), 4),
    }


main()
