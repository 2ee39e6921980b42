"""The toy: choices of different numbers, seen together by the loss; a head of its own kind."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from glossator.errors import TextError
from glossator.evaluation.figures import Column, Measure, Quotes, Section, Table, Words
from glossator.evaluation.paired import paired_sums
from glossator.models import checkpoint
from glossator.models.linear import Linear
from glossator.tasks.learnable import ArraySpec, Encoded, collate
from glossator.tasks.quotes import FirstQuotes, quote_of
from glossator.tasks.task import Paired
from glossator.tasks.texts import encode_texts, single
from glossator.text.columns import read_text, rejected
from glossator.text.records import Record, Trusting
from glossator.text.rows import Rejection
from toy.config import CONFIG, Options

__all__ = ["KIND"]


@dataclass(frozen=True)
class Choice:
    index: int
    text: str
    score: float
    n_tokens: int
    windows: int

    def to_json(self):
        return dataclasses.asdict(self)


class ChoiceReader:
    def __init__(self, columns):
        self.columns = columns

    @property
    def inputs(self):
        return {name: self.columns[name] for name in ("riddle", "lines")}

    def given(self, value):
        if isinstance(value, dict):
            return value
        raise TextError(f"is {value!r:.60}; expected a question with its choices")

    def read(self, row, *, targets):
        question = read_text(row, self.columns["riddle"], "riddle")
        if isinstance(question, Rejection):
            return question
        choices = row.values.get(self.columns["lines"][0])
        if not isinstance(choices, list) or len(choices) < 2:
            return rejected(row, "few_choices", "expected at least two choices")
        answer = row.values.get(self.columns["solution"][0]) if targets else None
        if targets and answer not in range(len(choices)):
            return rejected(row, "no_choice", f"the answer is {answer!r}, which is no choice")
        return Record(row, (question, tuple(choices)), answer, (question, *choices))

    def examiner(self):
        return Trusting()

    def strata(self, records):
        return None


class ChoiceTask:
    name, opens_as, coupling = CONFIG.name, CONFIG.opens_as, "row"
    specs = (ArraySpec("right", "text", np.float32),)
    measures = (Measure("accuracy", "Accuracy", "share", "high", hub="accuracy"),)
    chosen_by = ("accuracy",)

    def __init__(self, tokenizer, max_length, options):
        self.tokenizer, self.max_length, self.options = tokenizer, max_length, options

    @property
    def settings(self):
        return dataclasses.asdict(self.options)

    def reader(self, columns):
        return ChoiceReader(columns)

    def build(self, base, seed):
        return checkpoint.load_headless(base.folder, {"choice": _head}, seed)

    def open(self, base):
        return checkpoint.load_headless(base.folder, {"choice": _head})

    def encode(self, records):
        made = []
        for number, record in enumerate(records):
            question, choices = record.input
            pairs = [(question, choice) for choice in choices]
            right = [(single(float(i == record.target), np.float32),) for i in range(len(pairs))]
            rows = encode_texts(self.tokenizer, pairs, right, self.max_length)
            examples = [dataclasses.replace(row[0], weight=1.0, row=number) for row in rows]
            made.append(Encoded(tuple(examples), sum(row.n_tokens for row in rows), 1))
        return made

    def collate(self, examples, seed):
        return collate(examples, self.specs)

    def cost(self, example):
        return len(example.tokens)

    def _logits(self, model, batch):
        first = model(batch.inputs, batch.inputs.starts)
        return model.extra["choice"](first)[:, 0] * self.options.sharpness

    def loss(self, model, batch):
        logits = self._logits(model, batch).masked_fill(batch.weights == 0, -1e4)
        sums = logits.new_zeros(int(batch.rows.max()) + 1).index_add(0, batch.rows, logits.exp())
        right = (logits * batch.arrays["right"] * (batch.weights > 0)).sum()
        real = torch.zeros_like(sums, dtype=torch.bool)
        real[batch.rows[batch.weights > 0]] = True
        return sums[real].log().sum() - right, real.sum().float()

    def asked(self, *, top_k=None, asks=None):
        return self

    def answer(self, model, batch):
        with torch.inference_mode():
            return list(self._logits(model, batch).float().cpu().numpy())

    def combine(self, record, row, answers):
        return np.array(answers)

    def decided(self, records, answers):
        return copy.copy(self)

    def decode(self, record, row, answer):
        chances = np.exp(answer - answer.max())
        best = int(answer.argmax())
        score = round(float(chances[best] / chances.sum()), 6)
        return Choice(best, record.input[1][best], score, row.n_tokens, row.windows)

    def scores(self, *, intervals=True, paired=False):
        return ChoiceScores()

    def finish(self, model):
        pass

    def words(self):
        return Words(
            does="Reads a question and says which choice answers it.",
            caution="One is always answered.",
            opens_as=self.opens_as,
            pipeline="",
            python_input='{"riddle": "?", "lines": ["a", "b"]}',
            command_input='{"riddle": "?", "lines": ["a", "b"]}',
            command_format="jsonl",
        )

    def saved(self):
        return {"learned": {}, "options": dataclasses.asdict(self.options), "decision": {}}


class ChoiceScores:
    def __init__(self):
        self.hits, self.first = [], FirstQuotes()

    def add(self, records, rows, answers):
        for record, answer in zip(records, answers, strict=True):
            self.hits.append(float(answer.argmax() == record.target))
            choices = record.input[1]
            told = choices[record.target], choices[int(answer.argmax())]
            self.first.offer(quote_of, record, *told)

    def result(self):
        return {"accuracy": float(np.mean(self.hits))}

    def remarks(self):
        return []

    def sections(self, split):
        rows = [("right", int(sum(self.hits))), ("wrong", int(len(self.hits) - sum(self.hits)))]
        table = Table("Choices", (Column("Answer", "text"), Column("Rows", "count")), rows)
        return [Section("choices", "Choices", [table, Quotes("Some", self.first.quotes)])]

    def paired(self, other):
        a, b = (np.array(x.hits)[:, None] for x in (self, other))
        found = paired_sums("accuracy", a, b, lambda sums: sums[:, 0] / len(a))
        return Paired(
            differences=(found,),
            tests={},
            p_value=found.p_value,
            b_is_better=found.difference > 0,
            same=bool((a == b).all()),
        )


class ToyChoice:
    config = CONFIG

    def reader(self, columns, options):
        return ChoiceReader(columns)

    def learn(self, records, base, columns, options):
        return ChoiceTask(base.tokenizer, base.max_length, options)

    def restore(self, base, saved):
        if saved is None:
            return None
        return ChoiceTask(base.tokenizer, base.max_length, Options(**saved["options"]))


def _head(config):
    return Linear(config.hidden_size, 1)


KIND = ToyChoice()
