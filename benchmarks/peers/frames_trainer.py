"""Peer of intents with slots: a bare encoder of transformers with two heads, in its Trainer.

The first token gives the intent and the first piece of a word its tag, each through dropout and one
linear map, as joint models of BERT are usually written (Chen, Zhuo and Wang 2019); the loss is
the sum of both cross-entropies. `seconds` is `train()` alone.
"""

from __future__ import annotations

import json
from typing import Any

import best_trainer
import numpy as np
import transformers as hf
from best_trainer import Rows
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from torch import nn

NO_TAG = -100


def main() -> None:
    a = best_trainer.parser(__doc__).parse_args()
    hf.set_seed(a.seed)
    train, test = (best_trainer.read(path) for path in (a.train, a.test))
    tokenizer = hf.AutoTokenizer.from_pretrained(a.model)
    intents = sorted({row["intent"] for row in train})
    tags = sorted({tag for row in train for tag in row["tags"]})
    rows = Encoder(tokenizer, intents, tags)
    trainer = hf.Trainer(
        model=TwoHeads(a.model, len(intents), len(tags)),
        args=best_trainer.arguments(a, label_names=["labels", "intent"]),
        train_dataset=rows(train),
        data_collator=hf.DataCollatorForTokenClassification(tokenizer),
        processing_class=tokenizer,
    )
    speed = best_trainer.timed(trainer, a, len(train))
    out = trainer.predict(rows(test))
    result = {
        **score(out, test, intents, tags),
        **speed,
    }
    print(json.dumps(result))


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
