"""A linear-chain conditional random field over the tags of packed texts.

Lafferty, McCallum and Pereira 2001, "Conditional random fields: probabilistic models for segmenting
and labeling sequence data"; Rabiner 1989, "A tutorial on hidden Markov models", section III
(forward and backward sums, Viterbi's path).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glossator.text.tagging import Transitions

__all__ = ["LinearChainCRF"]

# Far below any score, and yet finite: a text whose only paths are forbidden has no NaN in it.
_FORBIDDEN = -1e4


class LinearChainCRF(nn.Module):
    """The score of a path of tags is the sum of its emissions, transitions, start and end.

    Loops run over positions, not texts: at position t they hold one row for each text that is
    longer than t.

    Args:
        tags: C, the number of tags.
        allowed: which of them may follow which; None: all. What is forbidden costs 10,000, in
            `log_likelihood` too, so that gold tags must be spelled rightly.

    Attributes:
        transitions: (C, C) score of the tag across after the tag down.
        start: (C,) score of a tag at the beginning of a text.
        end: (C,) score of a tag at its end.
    """

    forbidden: Tensor
    forbidden_start: Tensor
    forbidden_end: Tensor

    def __init__(self, tags: int, allowed: Transitions | None = None):
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))
        masks = {"forbidden": (tags, tags), "forbidden_start": (tags,), "forbidden_end": (tags,)}
        parts = (None,) * 3 if allowed is None else (allowed.between, allowed.start, allowed.end)
        for (name, shape), part in zip(masks.items(), parts, strict=True):
            cost = torch.zeros(shape)
            if part is not None:
                cost.masked_fill_(~torch.from_numpy(part), _FORBIDDEN)
            self.register_buffer(name, cost, persistent=False)  # follows from the tags' names

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """The log probability of the right path of each text.

        Args:
            emissions: (T, C) float32 scores of each tag.
            tags: (T,) int64 right tag of each token.
            lengths: (B,) int64 tokens of each text, 1 or more; they add up to T.

        Returns:
            (B,), at most 0.
        """
        return self._path_scores(emissions, tags, lengths) - self._log_sums(emissions, lengths)

    def _path_scores(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """(B,) the score of one path of each text."""
        transitions, start, end = self._scores()
        ends = lengths.cumsum(0)
        starts = ends - lengths
        of_token = emissions.gather(1, tags[:, None]).squeeze(1)
        step = transitions[tags[:-1], tags[1:]]
        of_token = of_token + torch.cat((step.new_zeros(1), step))
        # The step into the first token of a text comes from another text.
        first, last = tags[starts], tags[ends - 1]
        strange = transitions[tags[starts[1:] - 1], first[1:]]
        border = start[first] + end[last] - torch.cat((strange.new_zeros(1), strange))
        return torch.segment_reduce(of_token, "sum", lengths=lengths, axis=0) + border

    def _log_sums(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """(B,) the logarithm of the sum over all paths of each text."""
        steps = _Steps.of(lengths)
        sums = self._forward_sums(steps.split(emissions))
        return steps.gather_last(sums).add(self._scores()[2]).logsumexp(-1)

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transitions (C, C), start (C,) and end (C,), forbidden ones far below all others."""
        return (
            self.transitions + self.forbidden,
            self.start + self.forbidden_start,
            self.end + self.forbidden_end,
        )

    def _forward_sums(self, emissions: list[Tensor]) -> list[Tensor]:
        """Of each step (n, C): the log sum over paths that end in each tag there."""
        transitions, start, _ = self._scores()
        sums = [start + emissions[0]]
        for here in emissions[1:]:
            before = sums[-1][: len(here), :, None]
            sums.append((before + transitions).logsumexp(1) + here)
        return sums

    def _backward_sums(self, emissions: list[Tensor]) -> list[Tensor]:
        """Of each step (n, C): the log sum over what may follow each tag there."""
        transitions, _, end = self._scores()
        sums = [end.expand_as(emissions[-1])]
        for here, after in zip(reversed(emissions[:-1]), reversed(emissions[1:]), strict=True):
            going_on = (transitions + (after + sums[-1])[:, None]).logsumexp(2)
            ending = end.expand(len(here) - len(after), -1)
            sums.append(torch.cat((going_on, ending)))
        return sums[::-1]

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The log probability of each tag at each token, over all paths.

        Args:
            emissions: (T, C) float32.
            lengths: (B,) int64.

        Returns:
            (T, C), each row the logarithms of what adds up to 1.
        """
        steps = _Steps.of(lengths)
        split = steps.split(emissions)
        forward, backward = self._forward_sums(split), self._backward_sums(split)
        both = torch.cat(forward) + torch.cat(backward)
        return steps.packed(both.log_softmax(-1))

    @torch.no_grad()
    def viterbi(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The best path of each text, (T,) int64.

        Args:
            emissions: (T, C) float32.
            lengths: (B,) int64.
        """
        steps = _Steps.of(lengths)
        transitions, start, end = self._scores()
        first, *rest = steps.split(emissions)
        best = [start + first]
        origins: list[Tensor] = []
        for here in rest:
            scores, origin = (best[-1][: len(here), :, None] + transitions).max(1)
            best.append(scores + here)
            origins.append(origin)
        return steps.packed(torch.cat(_walked_back(best, origins, end)))


def _walked_back(best: list[Tensor], origins: list[Tensor], end: Tensor) -> list[Tensor]:
    """The tags (n,) of each step, from the last one back.

    Args:
        best: of each step (n, C), the score of the best path that ends in each tag.
        origins: of each step but the first (n, C), the tag that this path comes from.
        end: (C,).
    """
    path = [(best[-1] + end).argmax(-1)]
    for scores, origin in zip(reversed(best[:-1]), reversed(origins), strict=True):
        going_on = origin.gather(1, path[-1][:, None]).squeeze(1)
        ending = (scores[len(origin) :] + end).argmax(-1)
        path.append(torch.cat((going_on, ending)))
    return path[::-1]


@dataclass(frozen=True)
class _Steps:
    """The tokens of packed texts by position, at each position the longest text first.

    Attributes:
        rows: (T,) packed row of each token in this order.
        sizes: tokens at each position.
        texts: (B,) number of each text, the longest first.
    """

    rows: Tensor
    sizes: list[int]
    texts: Tensor

    @classmethod
    def of(cls, lengths: Tensor) -> _Steps:
        texts = lengths.argsort(descending=True, stable=True)
        rank = torch.empty_like(texts)
        rank[texts] = torch.arange(len(texts), device=texts.device)
        starts = lengths.cumsum(0) - lengths
        everything = torch.arange(int(lengths.sum()), device=texts.device)
        position = everything - starts.repeat_interleave(lengths)
        order = position * len(texts) + rank.repeat_interleave(lengths)
        return cls(order.argsort(), position.bincount().tolist(), texts)

    def split(self, packed: Tensor) -> list[Tensor]:
        """(T, C) in the order of the texts -> (n, C) of each position."""
        return list(torch.split(packed.index_select(0, self.rows), self.sizes))

    def packed(self, by_position: Tensor) -> Tensor:
        """(T, ...) by position -> (T, ...) in the order of the texts."""
        back = torch.empty_like(self.rows)
        back[self.rows] = torch.arange(len(back), device=back.device)
        return by_position.index_select(0, back)

    def gather_last(self, by_position: list[Tensor]) -> Tensor:
        """(n, C) of each position -> (B, C) of the last token of each text, in their order."""
        following = [*self.sizes[1:], 0]
        ended = [x[size:] for x, size in zip(by_position, following, strict=True)]
        longest_first = torch.cat(ended[::-1])
        return longest_first.index_select(0, self.texts.argsort())
