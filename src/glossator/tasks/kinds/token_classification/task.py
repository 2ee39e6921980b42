"""Token classification: which stretches of a text are what."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from glossator.errors import TextError
from glossator.evaluation.calibration import fit_temperature
from glossator.models import checkpoint
from glossator.models.crf import LinearChainCRF
from glossator.models.extra_heads import HeadBuilders
from glossator.models.heads import TokenClassifier
from glossator.tasks.kinds.token_classification.common import EntityTask, best_placed
from glossator.tasks.kinds.token_classification.config import CONFIG, Decision, Options
from glossator.tasks.kinds.token_classification.reading import EntityReader
from glossator.tasks.kinds.token_classification.spans import NestedEntities
from glossator.tasks.kinds.token_classification.units import Numbers, Scored
from glossator.tasks.learnable import ArraySpec, Batch, Encoded
from glossator.tasks.losses import cross_entropy
from glossator.tasks.task import Answer, Base, Task
from glossator.text.records import Columns, Record
from glossator.text.tagging import Span, scheme_of, spans_of, tag_names, tags_of, transitions

__all__ = ["KIND", "TaggedEntities", "TokenClassification"]

_CRF = "crf"


class TaggedEntities(EntityTask):
    """Entities by a tag a word.

    The best sequence of tags that spells entities rightly is answered, with a CRF the best by what
    it learned of sequences too.

    Args:
        tags: names of the tags, in the order of the logits.
        arguments: those of `EntityTask`.

    Attributes:
        chain: what is known of sequences of tags.
    """

    specs = (
        ArraySpec("read", "own"),
        ArraySpec("tags", "own"),
        ArraySpec("share", "own", np.float32),
    )

    def __init__(self, *arguments: Any, tags: Sequence[str], **named: Any):
        super().__init__(*arguments, **named)
        self.tags = tuple(tags)
        self._place = {tag: number for number, tag in enumerate(self.tags)}
        self._scheme = scheme_of([self.tags])
        self._allowed = transitions(self.tags, self._scheme)
        self.chain = LinearChainCRF(len(self.tags), self._allowed)

    @property
    def _extra(self) -> HeadBuilders:
        build = partial(_chain, len(self.tags), self._allowed)
        return {_CRF: build} if self.options.decoder == "crf" else {}

    def build(self, base: Base, seed: int) -> nn.Module:
        """See `Task`."""
        return self._with_chain(
            checkpoint.load_tagger(base.folder, self.tags, seed=seed, extra=self._extra)
        )

    def open(self, base: Base) -> nn.Module:
        """See `Task`."""
        return self._with_chain(checkpoint.load_tagger(base.folder, extra=self._extra))

    def _with_chain(self, model: TokenClassifier) -> TokenClassifier:
        if _CRF in model.extra:
            self.chain = model.extra[_CRF]  # type: ignore[assignment]
        return model

    def goals(self, record: Record) -> Numbers:
        """(words,) number of the tag of each word; 0 where the row has no entities to learn."""
        places = record.input.places
        if record.target is None:
            return np.zeros(len(places), np.int64)
        starts = {start: number for number, (start, _) in enumerate(places)}
        ends = {end: number + 1 for number, (_, end) in enumerate(places)}
        known = [span for span in record.target if span.label in self.labels]
        spans = [Span(starts[x.start], ends[x.end], x.label) for x in known]
        tags = tags_of(spans, len(places), self._scheme)
        return np.array([self._place[tag] for tag in tags], np.int64)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum over words, and how many they are; a word in several windows counts once."""
        emissions, counts = _emissions(model, batch), batch.counts["tags"]
        tags, share = batch.arrays["tags"], batch.arrays["share"]
        if not len(tags):
            return emissions.sum(), share.sum()
        if self.options.decoder == "crf":
            there = counts > 0
            chain: Any = model.extra[_CRF]  # type: ignore[index]
            found = chain.log_likelihood(emissions, tags, counts[there])
            weights = torch.segment_reduce(share, "mean", lengths=counts[there], axis=0)
            return -(found * weights).sum(), share.sum()
        losses = cross_entropy(emissions, tags, label_smoothing=self.options.label_smoothing)
        return (losses * share).sum(), share.sum()

    def answer(self, model: nn.Module, batch: Batch) -> Sequence[Answer]:
        """Of each window (words, C) logits."""
        with torch.inference_mode():
            found = _emissions(model, batch).float().cpu()
        return [part.numpy() for part in torch.split(found, batch.counts["tags"].tolist())]

    def combine(self, record: Record, row: Encoded, answers: Sequence[Answer]) -> Answer:
        """(U, C) logits of the words of a row."""
        return best_placed(row, answers)

    def decided(self, records: Sequence[Record], answers: Sequence[Answer]) -> Self:
        """The temperature that suits the dev rows; a CRF has probabilities of its own."""
        if self.options.decoder == "crf":
            return self
        rows = self.encode(records)
        goals = [self.goals(x)[_answered(x, row)] for x, row in zip(records, rows, strict=True)]
        logits, tags = np.concatenate(answers), np.concatenate(goals)
        temperature = fit_temperature(logits, tags).value if len(tags) else 1.0
        return self._deciding(Decision(temperature=temperature))

    def _deciding(self, decision: Decision) -> Self:
        task = copy.copy(self)
        task.decision = decision
        return task

    @torch.no_grad()
    def found(self, rows: Sequence[Encoded], answers: Sequence[Answer]) -> list[list[Scored]]:
        """See `EntityTask`; a score is the mean probability of the label over its words."""
        there = [answer for answer in answers if len(answer)]
        if not there:
            return [[] for _ in answers]
        logits = torch.from_numpy(np.concatenate(there)) / self.decision.temperature
        lengths = torch.tensor([len(answer) for answer in there])
        chain = self.chain
        if chain.start.is_cuda or chain.start.dtype != torch.float32:
            chain = copy.deepcopy(chain).float().cpu()  # the model goes on with its own
        path = chain.viterbi(logits, lengths)
        if self.options.decoder == "crf":
            chances = chain.marginals(logits, lengths).exp()
        else:
            chances = logits.softmax(-1)
        sizes = [len(answer) for answer in answers]
        paths, parts = torch.split(path, sizes), chances.double().numpy()
        starts = np.cumsum([0, *sizes])
        return [
            self._spans(tags.tolist(), parts[a:b])
            for tags, a, b in zip(paths, starts, starts[1:], strict=False)
        ]

    def _spans(self, path: Sequence[int], chances: Any) -> list[Scored]:
        spans = spans_of([self.tags[i] for i in path])
        columns = {
            x.label: [i for i, tag in enumerate(self.tags) if tag.partition("-")[2] == x.label]
            for x in spans
        }
        return [
            (x, min(1.0, float(chances[x.start : x.end, columns[x.label]].sum(axis=1).mean())))
            for x in spans
        ]


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


def _chain(tags: int, allowed: Any, config: Any) -> LinearChainCRF:
    return LinearChainCRF(tags, allowed)


def _emissions(model: nn.Module, batch: Batch) -> Tensor:
    """(R, C) logits of the words of all windows."""
    starts = batch.inputs.starts.repeat_interleave(batch.counts["read"])
    return model(batch.inputs, starts + batch.arrays["read"])  # type: ignore[no-any-return]


def _answered(record: Record, row: Encoded) -> Numbers:
    """The numbers of the words of a text that a row answers: those that have a token."""
    assert row.offsets is not None
    starts = [start for start, _ in record.input.places]
    return np.searchsorted(starts, row.offsets[:, 0])


KIND = TokenClassification()
