"""Token classification: which stretches of a text are what."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from glossator.errors import TextError
from glossator.models import checkpoint
from glossator.tasks.kinds.entities.reading import EntityReader
from glossator.tasks.kinds.entities.units import Numbers, Scored, best_placed
from glossator.tasks.kinds.entities.word_tags import TAG_SPECS, WordTags, read_words
from glossator.tasks.kinds.token_classification.common import EntityTask
from glossator.tasks.kinds.token_classification.config import CONFIG, Decision, Options
from glossator.tasks.kinds.token_classification.spans import NestedEntities
from glossator.tasks.learnable import Batch, Encoded
from glossator.tasks.task import Answer, Base, Task
from glossator.text.records import Columns, Record
from glossator.text.tagging import scheme_of, tag_names

__all__ = ["KIND", "TaggedEntities", "TokenClassification"]

_CRF = "crf"


class TaggedEntities(EntityTask):
    """Entities by a tag a word, see `WordTags`.

    Args:
        tags: names of the tags, in the order of the logits.
        arguments: those of `EntityTask`.
    """

    specs = TAG_SPECS

    def __init__(self, *arguments: Any, tags: Sequence[str], **named: Any):
        super().__init__(*arguments, **named)
        self.word_tags = WordTags(tags, learns_order=self.options.decoder == "crf")
        self.tags = self.word_tags.names

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        tags = self.word_tags
        return tags.of(checkpoint.load_tagger(base.folder, self.tags, seed=seed, extra=tags.extra))

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return self.word_tags.of(checkpoint.load_tagger(base.folder, extra=self.word_tags.extra))

    def goals(self, record: Record) -> Numbers:
        """(words,) number of the tag of each word; 0 where the row has no entities to learn."""
        return self.word_tags.goals(record.input, record.target)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum over words, and how many they are; a word in several windows counts once."""
        logits = model(batch.inputs, read_words(batch))
        smoothing = self.options.label_smoothing
        losses = self.word_tags.loss(model, logits, batch, label_smoothing=smoothing)
        return losses, batch.arrays["share"].sum()

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (words, C) logits."""
        with torch.inference_mode():
            found = model(batch.inputs, read_words(batch)).float().cpu()
        return [part.numpy() for part in torch.split(found, batch.counts["tags"].tolist())]

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(U, C) logits of the words of a row."""
        return best_placed(row, answers)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The temperature that suits the dev rows; a CRF has probabilities of its own."""
        targets = [record.target for record in records]
        rows = self.encode(records)
        temperature = self.word_tags.temperature(records, targets, rows, answers)
        task = copy.copy(self)
        task.decision = Decision(temperature=temperature)
        return task

    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """See `EntityTask`; a score is the mean probability of the label over its words."""
        return self.word_tags.found(answers, self.decision.temperature)


class TokenClassification:
    """The kind of task."""

    config = CONFIG

    def reader(self, columns: Columns, options: Any) -> EntityReader:
        """See `TaskKind`."""
        assert isinstance(options, Options)
        return EntityReader(columns, options)

    def learn(
        self, records: Sequence[Record], base: Base, columns: Columns, options: Any
    ) -> EntityTask:
        """See `TaskKind`; a trained head is kept where it has the same tags."""
        labels = sorted({span.label for record in records for span in record.target})
        fine = EntityReader(columns, options).fine
        common: dict[str, Any] = {
            "max_length": base.max_length,
            "fine": fine,
            "options": options,
        }
        if options.decoder == "spans":
            return NestedEntities(base.tokenizer, labels, **common)
        tags = tag_names(labels, options.scheme)
        source = base.source
        own = source.labels() if source.architecture.endswith("TokenClassification") else ()
        same = set(own) == set(tags)
        return TaggedEntities(base.tokenizer, labels, tags=own if same else tags, **common)

    def restore(self, base: Base, saved: Mapping[str, Any] | None) -> Task | None:
        """See `TaskKind`; a folder from elsewhere whose labels are no tags is not its own."""
        found = saved or {}
        options = Options(**found.get("options", {}))
        decision = Decision(**found.get("decision", {}))
        learned = found.get("learned", {})
        if saved is None and not base.source.architecture.endswith("ForTokenClassification"):
            return None
        fine = bool(learned.get("fine", True))
        common: dict[str, Any] = {"max_length": base.max_length, "fine": fine, "options": options}
        task: EntityTask
        if options.decoder == "spans":
            task = NestedEntities(base.tokenizer, learned["labels"], **common)
        else:
            tags = base.source.labels()
            try:
                labels = learned.get("labels") or _labels_in(tags)
            except TextError:
                return None
            task = TaggedEntities(base.tokenizer, labels, tags=tags, **common)
        task.decision = decision
        return task


def _labels_in(tags: Sequence[str]) -> list[str]:
    """The labels that tags are of.

    Raises:
        TextError: one is no tag.
    """
    scheme_of([tags])
    return sorted({tag.partition("-")[2] for tag in tags} - {""})


KIND = TokenClassification()
