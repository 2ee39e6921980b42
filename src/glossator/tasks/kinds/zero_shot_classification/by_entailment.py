"""Labels by entailment: whether a text entails a sentence with the label in it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from glossator.tasks.kinds.text_classification.one_label import OneLabel
from glossator.tasks.kinds.zero_shot_classification.common import Ask, ZeroShot
from glossator.tasks.learnable import ArraySpec, Batch, Encoded, Example
from glossator.tasks.task import Answer
from glossator.tasks.texts import refuse_short, single, windows_of
from glossator.text.records import Record

__all__ = ["ByEntailment", "entailment_place"]

_ENGLISH, _CHINESE = "This text is about {}.", "这段文字是关于{}的。"
_NAMES = {"entailment", "entailed", "entails", "entail", "follows", "蕴含", "蕴涵"}


class ByEntailment(ZeroShot):
    """The label whose sentence the text entails most.

    Each label makes a pair of the text and a sentence, `This text is about {}.`. Its score is the
    log odds of entailment. Of labels each by itself that is their logit; where exactly one applies,
    and the pairs are judged independently, the softmax of all is the chance of each.

    A long text is read in windows with the whole sentence in each, and the score is their mean.

    Args:
        own: judges pairs.
        place: of the label of `own` that means entailment.

    Source: Yin, Hay and Roth 2019, "Benchmarking zero-shot text classification".
    """

    own: OneLabel
    specs = (ArraySpec("asked", "text"),)
    _opened = False

    def __init__(self, own: OneLabel, place: int):
        refuse_short(own.tokenizer, own.max_length, pair=True)
        super().__init__(own)
        self.place = place

    @property
    def how(self) -> str:
        """See `ZeroShot`."""
        return "whether the text entails a sentence with the label in it"

    def refuse_unfit(self) -> None:
        """Nothing: it can be asked anything."""
        self._opened = False

    @property
    def is_prepared(self) -> bool:
        """See `ZeroShot`."""
        return self._opened

    def characters_of_labels(self) -> int:
        """See `ZeroShot`: nothing; each is read with each text."""
        return 0

    def characters(self, record: Record) -> int:
        """See `Repeating`: the text with each label."""
        labels = self.question.labels
        return len(labels) * len(record.texts[0]) + sum(len(label.text) for label in labels)

    def preparing(self, ask: Ask) -> Self:
        """See `ZeroShot`; nothing is made of the labels beforehand."""
        task = copy.copy(self)
        task._opened = True
        return task

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """A pair for each label, each in windows."""
        question = self.question
        prefix = question.prefix or ""
        sentences = question.sentences(_CHINESE if question.is_chinese else _ENGLISH)
        asked = self.tokenizer.encode(sentences)
        texts = self.tokenizer.encode([prefix + record.texts[0] for record in records])
        rows = []
        for number, text in enumerate(texts):
            cut = [windows_of(self.tokenizer, [text, each], self.max_length) for each in asked]
            share = 1 / sum(map(len, cut))
            examples = [
                Example(tokens, span, (single(label),), segments, share, number)
                for label, pair in enumerate(cut)
                for tokens, span, segments in pair
            ]
            rows.append(Encoded(tuple(examples), len(text), max(map(len, cut))))
        return rows

    @torch.inference_mode()
    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window () the log odds of entailment."""
        logits = model(batch.inputs).float() / self.own.decision.temperature  # (B, L)
        others = [i for i in range(logits.shape[1]) if i != self.place]
        odds = logits[:, self.place] - logits[:, others].logsumexp(dim=1)
        return list(odds.cpu().numpy())

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(C,) logits of a row, each from the mean over its windows."""
        label = np.array([int(example.arrays[0]) for example in row])
        sums = np.bincount(label, np.asarray(answers, np.float64))
        scores: NDArray[np.float64] = sums / np.bincount(label)
        return self.decision.logits(scores)


def entailment_place(labels: Sequence[str]) -> int | None:
    """Which of some labels means that the second text follows from the first; None: none does."""
    for number, label in enumerate(labels):
        if label.strip().casefold() in _NAMES:
            return number
    return None
