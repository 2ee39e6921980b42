"""Entities as one tag a word: what is to be learned, how wrong that is, and how it is read."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glossator.evaluation.calibration import fit_temperature
from glossator.models.crf import LinearChainCRF
from glossator.models.encoder import EncoderConfig
from glossator.models.extra_heads import HeadBuilders
from glossator.models.heads import TokenClassifier
from glossator.tasks.kinds.entities.reading import SplitText
from glossator.tasks.kinds.entities.units import Numbers, Scored, answered_words
from glossator.tasks.learnable import ArraySpec, Batch, Encoded
from glossator.tasks.losses import cross_entropy
from glossator.text.records import Record
from glossator.text.tagging import Span, Transitions, scheme_of, spans_of, tags_of, transitions

__all__ = ["TAG_SPECS", "WordTags", "read_words"]

TAG_SPECS = (
    ArraySpec("read", "own"),
    ArraySpec("tags", "own"),
    ArraySpec("share", "own", np.float32),
)
"""The arrays of `encode_words`."""

_CRF = "crf"


class WordTags:
    """The tags of words, and the entities that they spell.

    The best sequence of tags that spells entities rightly is read, with a CRF the best by what it
    learned of sequences too.

    Args:
        names: of the C tags, in the order of the logits.
        learns_order: whether a CRF learns which tags follow each other.

    Attributes:
        chain: what is known of sequences of tags.
    """

    def __init__(self, names: Sequence[str], *, learns_order: bool):
        self.names, self.learns_order = tuple(names), learns_order
        self._place = {tag: number for number, tag in enumerate(self.names)}
        self._labels = {tag.partition("-")[2] for tag in self.names}
        self._scheme = scheme_of([self.names])
        self._allowed = transitions(self.names, self._scheme)
        self.chain = LinearChainCRF(len(self.names), self._allowed)

    @property
    def extra(self) -> HeadBuilders:
        """The heads that a model needs beside its own."""
        build = partial(_chain, len(self.names), self._allowed)
        return {_CRF: build} if self.learns_order else {}

    def of(self, model: TokenClassifier) -> TokenClassifier:
        """The model, whose chain is the one to read by from now on."""
        if _CRF in model.extra:
            self.chain = model.extra[_CRF]  # type: ignore[assignment]
        return model

    def goals(self, text: SplitText, target: Sequence[Span] | None) -> Numbers:
        """(words,) number of the tag of each word; 0 where there is nothing to learn.

        Args:
            text: the text.
            target: its entities by characters; those of unknown labels are left out.
        """
        places = text.places
        if target is None:
            return np.zeros(len(places), np.int64)
        starts = {start: number for number, (start, _) in enumerate(places)}
        ends = {end: number + 1 for number, (_, end) in enumerate(places)}
        known = [span for span in target if span.label in self._labels]
        spans = [Span(starts[x.start], ends[x.end], x.label) for x in known]
        tags = tags_of(spans, len(places), self._scheme)
        return np.array([self._place[tag] for tag in tags], np.int64)

    def loss(
        self, model: nn.Module, logits: Tensor, batch: Batch, *, label_smoothing: float = 0.0
    ) -> Tensor:
        """Sum over the words of a batch, each times its share.

        Args:
            model: holds the chain.
            logits: (R, C) of the words of all windows.
            batch: with the arrays of `TAG_SPECS`.
            label_smoothing: without a CRF, see `cross_entropy`.
        """
        tags, share, counts = batch.arrays["tags"], batch.arrays["share"], batch.counts["tags"]
        if not len(tags):
            return logits.sum()
        if self.learns_order:
            there = counts > 0
            chain: Any = model.extra[_CRF]  # type: ignore[index]
            found = chain.log_likelihood(logits, tags, counts[there])
            weights = torch.segment_reduce(share, "mean", lengths=counts[there], axis=0)
            return -(found * weights).sum()  # type: ignore[no-any-return]
        losses = cross_entropy(logits, tags, label_smoothing=label_smoothing)
        return (losses * share).sum()

    def temperature(
        self,
        records: Sequence[Record],
        targets: Sequence[Sequence[Span]],
        rows: Sequence[Encoded],
        logits: Sequence[NDArray[Any]],
    ) -> float:
        """The temperature that suits dev rows; 1 of a CRF, which has probabilities of its own."""
        goals = [
            self.goals(record.input, target)[answered_words(record.input.places, row)]
            for record, target, row in zip(records, targets, rows, strict=True)
        ]
        tags = np.concatenate(goals)
        if self.learns_order or not len(tags):
            return 1.0
        return fit_temperature(np.concatenate(logits), tags).value

    @torch.no_grad()
    def found(self, logits: Sequence[NDArray[Any]], temperature: float) -> list[list[Scored]]:
        """The entities of each row, by its words; a score is the mean probability over its words.

        Args:
            logits: (U, C) of the words of each row.
            temperature: what they are divided by.
        """
        there = [each for each in logits if len(each)]
        if not there:
            return [[] for _ in logits]
        scores = torch.from_numpy(np.concatenate(there)) / temperature
        lengths = torch.tensor([len(each) for each in there])
        chain = self.chain
        if chain.start.is_cuda or chain.start.dtype != torch.float32:
            chain = copy.deepcopy(chain).float().cpu()  # the model goes on with its own
        path = chain.viterbi(scores, lengths)
        if self.learns_order:
            chances = chain.marginals(scores, lengths).exp()
        else:
            chances = scores.softmax(-1)
        sizes = [len(each) for each in logits]
        paths, parts = torch.split(path, sizes), chances.double().numpy()
        starts = np.cumsum([0, *sizes])
        return [
            self._spans(tags.tolist(), parts[a:b])
            for tags, a, b in zip(paths, starts, starts[1:], strict=False)
        ]

    def _spans(self, path: Sequence[int], chances: Any) -> list[Scored]:
        spans = spans_of([self.names[i] for i in path])
        columns = {
            x.label: [i for i, tag in enumerate(self.names) if tag.partition("-")[2] == x.label]
            for x in spans
        }
        return [
            (x, min(1.0, float(chances[x.start : x.end, columns[x.label]].sum(axis=1).mean())))
            for x in spans
        ]


def read_words(batch: Batch) -> Tensor:
    """(R,) the rows of a batch that its words are read off."""
    starts = batch.inputs.starts.repeat_interleave(batch.counts["read"])
    return starts + batch.arrays["read"]


def _chain(tags: int, allowed: Transitions, config: EncoderConfig) -> LinearChainCRF:
    return LinearChainCRF(tags, allowed)
