"""What a text asks for and the details it gives: one encoder, an intent and a tag a word."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.calibration import fit_temperature, softmax
from glossator.evaluation.figures import Words
from glossator.tasks.kinds.entities.prediction import entities_in
from glossator.tasks.kinds.entities.units import Scored, best_placed, encode_words, placed
from glossator.tasks.kinds.entities.word_tags import TAG_SPECS, WordTags
from glossator.tasks.kinds.intent_slots.config import CONFIG, Decision, Options
from glossator.tasks.kinds.intent_slots.figures import MEASURES, words
from glossator.tasks.kinds.intent_slots.heads import (
    build_frames,
    intents_of,
    open_frames,
    read_frames,
)
from glossator.tasks.kinds.intent_slots.prediction import FramePrediction, IntentScore
from glossator.tasks.kinds.intent_slots.reading import FrameReader
from glossator.tasks.kinds.intent_slots.scores import FrameScores
from glossator.tasks.learnable import ArraySpec, Batch, Coupling, Encoded
from glossator.tasks.losses import cross_entropy
from glossator.tasks.task import Answer, Base
from glossator.tasks.texts import refuse_short, single
from glossator.tasks.windowed import Windowed
from glossator.text.records import Columns, Record
from glossator.text.tagging import tag_names
from glossator.text.tokenizer import Tokenizer

__all__ = ["KIND", "FrameAnswer", "IntentSlots", "IntentSlotsKind"]


@dataclass(frozen=True, eq=False)
class FrameAnswer:
    """What a model says of a window or a row: (I,) logits of intents, (words, C) of tags."""

    intents: NDArray[np.float32]
    tags: NDArray[np.float32]


class IntentSlots(Windowed):
    """What a text asks for, and which stretches of it say the details.

    A text longer than `max_length` is read in overlapping windows. Of a word in several that one
    answers which shows most of what stands around it; the logits of the intents are the mean over
    the windows, so that all of the text has its say in both.

    Args:
        tokenizer: of the model's vocabulary.
        intents: name of each.
        labels: what slots can be.
        tags: names of the tags, in the order of the logits.
        max_length: tokens of a window at most, special tokens counted.
        fine: how texts are cut into words, see `EntityReader`.
        options: what training was told.
        decision: how logits become probabilities.

    Raises:
        ConfigError: a window has no room for a token beside the special ones.
    """

    name, opens_as = CONFIG.name, CONFIG.opens_as
    coupling: Coupling = "example"
    specs = (*TAG_SPECS, ArraySpec("intent", "text"))
    measures = MEASURES
    chosen_by = ("frame_accuracy", "slot_f1")
    top_k = 3

    def __init__(
        self,
        tokenizer: Tokenizer,
        intents: Sequence[str],
        labels: Sequence[str],
        *,
        tags: Sequence[str],
        max_length: int,
        fine: bool,
        options: Options | None = None,
        decision: Decision | None = None,
    ):
        refuse_short(tokenizer, max_length)
        self.tokenizer, self.max_length, self.fine = tokenizer, max_length, fine
        self.intents, self.labels = tuple(intents), tuple(labels)
        self.options, self.decision = options or Options(), decision or Decision()
        self.word_tags = WordTags(tags, learns_order=self.options.decoder == "crf")
        self._place = {intent: number for number, intent in enumerate(self.intents)}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options of learning, and what there is to learn."""
        learned = {"labels": ",".join(self.labels), "intents": ",".join(self.intents)}
        return dataclasses.asdict(self.options) | learned

    def reader(self, columns: Columns) -> FrameReader:
        """See `Task`."""
        return FrameReader(columns, self.options, fine=self.fine)

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return build_frames(base.source, self.word_tags, self.intents, seed)

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return open_frames(base.source, self.word_tags, self.intents)

    def encode(self, records: Sequence[Record]) -> list[Encoded]:
        """See `Task`."""
        goals = [
            self.word_tags.goals(x.input, None if x.target is None else x.target.slots)
            for x in records
        ]
        texts = [record.input for record in records]
        rows = encode_words(self.tokenizer, texts, goals, self.max_length)
        return [_with_intent(*each) for each in zip(rows, self.targets(records), strict=True)]

    def targets(self, records: Sequence[Record]) -> list[int]:
        """(N,) the intent of each row; -1 for one that training has not, or where none is given."""
        return [-1 if x.target is None else self._place.get(x.target.intent, -1) for x in records]

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum over rows of the mean loss of their words and that of the intent, and the rows."""
        intents, tags = read_frames(model, batch)
        of_intents = cross_entropy(intents, batch.arrays["intent"]) * batch.weights
        of_slots = self.word_tags.loss(model, tags, batch)
        return of_slots + self.options.intent_weight * of_intents.sum(), batch.weights.sum()

    def asked(self, *, top_k: int | None = None, asks: Any = None) -> Self:
        """See `Task`."""
        task = copy.copy(self)
        task.top_k = top_k or type(self).top_k
        return task

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[FrameAnswer]:
        """Of each window the logits of intents, and of the tags of its words."""
        with torch.inference_mode():
            intents, tags = (x.float().cpu() for x in read_frames(model, batch))
        parts = torch.split(tags, batch.counts["tags"].tolist())
        return [FrameAnswer(x.numpy(), y.numpy()) for x, y in zip(intents, parts, strict=True)]

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> FrameAnswer:
        """Tags of each word from its best window, intents as the mean over the windows."""
        if len(answers) == 1:
            one: FrameAnswer = answers[0]
            return one
        intents = np.stack([x.intents for x in answers]).mean(axis=0, dtype=np.float32)
        return FrameAnswer(intents, best_placed(row, [x.tags for x in answers]))

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The temperatures that suit the dev rows."""
        slots = [record.target.slots for record in records]
        tags = [answer.tags for answer in answers]
        temperature = self.word_tags.temperature(records, slots, self.encode(records), tags)
        targets = self.targets(records)
        known = max(targets, default=-1) >= 0
        of_intents = fit_temperature(self.intent_logits(answers), targets).value if known else 1.0
        task = copy.copy(self)
        task.decision = Decision(temperature=temperature, intent_temperature=of_intents)
        return task

    def intent_logits(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """(N, I) of the intents."""
        if not len(answers):
            return np.zeros((0, len(self.intents)), np.float32)
        return np.stack([answer.intents for answer in answers])

    def chances(self, answers: Sequence[Answer]) -> NDArray[np.float64]:
        """(N, I) calibrated probabilities of the intents."""
        return softmax(self.intent_logits(answers), self.decision.intent_temperature)

    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """The slots of each row by the characters of its text, in order."""
        tags = [answer.tags for answer in answers]
        spans = self.word_tags.found(tags, self.decision.temperature)
        return [placed(*each) for each in zip(rows, spans, strict=True)]

    def decode(self, record: Record, row: Encoded, answer: Answer) -> FramePrediction:
        """See `Task`; of equal probabilities the first intent is answered."""
        (chance,), (found,) = self.chances([answer]), self.found([row], [answer])
        order = np.argsort(-chance, kind="stable")
        scored = tuple(IntentScore(self.intents[i], float(chance[i])) for i in order)
        return FramePrediction(
            label=scored[0].label,
            score=scored[0].score,
            labels=scored[: self.top_k],
            entities=entities_in(record.input.text, found),
            text=record.input.text,
            n_tokens=row.n_tokens,
            windows=row.windows,
        )

    def scores(self, *, intervals: bool = True, paired: bool = False) -> FrameScores:
        """See `Task`."""
        return FrameScores(self, intervals=intervals, paired=paired)

    def finish(self, model: nn.Module) -> None:
        """Nothing: the folder answers as it is."""

    def words(self) -> Words:
        """See `Task`."""
        return words(self.intents, self.labels, self.decision)

    def saved(self) -> dict[str, Any]:
        """See `Task`."""
        learned = {"fine": self.fine, "labels": list(self.labels), "intents": list(self.intents)}
        return {
            "learned": learned,
            "options": dataclasses.asdict(self.options),
            "decision": dataclasses.asdict(self.decision),
        }


class IntentSlotsKind:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> FrameReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return FrameReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> IntentSlots:
        """See `TaskKind`; trained heads are kept where they have the same tags and intents."""
        labels = sorted({slot.label for record in records for slot in record.target.slots})
        intents = sorted({record.target.intent for record in records})
        tags = tag_names(labels, options.scheme)
        source = base.source
        own = source.labels() if source.architecture.endswith("TokenClassification") else ()
        return IntentSlots(
            base.tokenizer,
            _in_order_of(intents_of(source), intents),
            labels,
            tags=_in_order_of(own, tags),
            max_length=base.max_length,
            fine=FrameReader(columns, options).fine,
            options=options,
        )

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> IntentSlots | None:
        """See `TaskKind`; a folder from elsewhere has no intents."""
        if saved is None:
            return None
        learned = saved["learned"]
        return IntentSlots(
            base.tokenizer,
            learned["intents"],
            learned["labels"],
            tags=base.source.labels(),
            max_length=base.max_length,
            fine=bool(learned["fine"]),
            options=Options(**saved.get("options", {})),
            decision=Decision(**saved.get("decision", {})),
        )


def _in_order_of(own: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    """Names in the order that a head was trained for, where it was for the same ones."""
    return own if set(own) == set(names) else names


def _with_intent(row: Encoded, intent: int) -> Encoded:
    """The row with its intent in each window, and the shares of its words adding up to 1."""
    words = sum(float(example.arrays[2].sum()) for example in row)
    weight = 1 / len(row)
    examples = []
    for example in row:
        read, tags, share = example.arrays
        share = (share / max(1.0, words)).astype(np.float32)
        arrays = (read, tags, share, single(intent))
        examples.append(dataclasses.replace(example, arrays=arrays, weight=weight))
    return dataclasses.replace(row, examples=tuple(examples))


KIND = IntentSlotsKind()
