"""The chain against the sum over all paths, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.models.crf import LinearChainCRF
from glossator.text.tagging import Transitions, spans_of, tag_names, tags_of, transitions

TAGS = 3


def chain(seed: int, tags: int = TAGS, allowed: Transitions | None = None) -> LinearChainCRF:
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(tags, allowed)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return crf.double()


def batch(lengths, seed: int, tags: int = TAGS):
    generator = torch.Generator().manual_seed(seed + 1000)
    total = sum(lengths)
    emissions = 2 * torch.randn(total, tags, generator=generator, dtype=torch.float64)
    gold = torch.randint(tags, (total,), generator=generator)
    return emissions, gold, torch.tensor(lengths)


def all_paths(crf: LinearChainCRF, emissions):
    """Each path of one text with its score, a sum in plain Python."""
    between, start, end = (x.detach().tolist() for x in crf._scores())
    rows = emissions.tolist()
    for path in itertools.product(range(len(start)), repeat=len(rows)):
        score = start[path[0]] + end[path[-1]]
        score += sum(row[tag] for row, tag in zip(rows, path, strict=True))
        score += sum(between[a][b] for a, b in itertools.pairwise(path))
        yield path, score


some_lengths = st.lists(st.integers(1, 5), min_size=1, max_size=5)


@given(some_lengths, st.integers(0, 1000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_all_three_are_those_of_the_sum_over_paths(lengths, seed, masked):
    allowed = transitions(tag_names(["x"], "BIO"), "BIO") if masked else None
    crf = chain(seed, allowed=allowed)
    emissions, gold, counts = batch(lengths, seed)
    with torch.no_grad():
        likelihood = crf.log_likelihood(emissions, gold, counts)
        marginals = crf.marginals(emissions, counts)
        best = crf.viterbi(emissions, counts)
    assert (likelihood.shape, marginals.shape) == (counts.shape, emissions.shape)
    texts = zip(*(x.split(lengths) for x in (emissions, gold, marginals, best)), strict=True)
    for number, (x, right, of_tag, path) in enumerate(texts):
        paths, scores = zip(*all_paths(crf, x), strict=True)
        chances = torch.tensor(scores, dtype=torch.float64).log_softmax(0)
        at = paths.index(tuple(right.tolist()))
        torch.testing.assert_close(likelihood[number], chances[at])
        assert tuple(path.tolist()) == paths[int(chances.argmax())]
        expected = torch.zeros_like(x)
        for places, chance in zip(paths, chances.exp(), strict=True):
            expected[torch.arange(len(x)), list(places)] += chance
        torch.testing.assert_close(of_tag.exp(), expected)


def test_gradients_are_those_of_small_differences():
    crf = chain(0)
    emissions, gold, lengths = batch([3, 1, 4], 0)
    names = [name for name, _ in crf.named_parameters()]

    def likelihood(emissions, *parameters):
        state = dict(zip(names, parameters, strict=True))
        parts = (emissions, gold, lengths)
        return torch.func.functional_call(Likelihood(crf), prefixed(state), parts)

    leaves = [emissions.requires_grad_(), *(p.detach().requires_grad_() for p in crf.parameters())]
    assert torch.autograd.gradcheck(likelihood, leaves)


class Likelihood(torch.nn.Module):
    """`functional_call` runs a module's `forward`, and the chain has none."""

    def __init__(self, crf: LinearChainCRF):
        super().__init__()
        self.crf = crf

    def forward(self, *parts):
        return self.crf.log_likelihood(*parts)


def prefixed(state):
    return {f"crf.{name}": value for name, value in state.items()}


def test_marginals_are_the_gradient_of_the_log_sum():
    crf = chain(2)
    emissions, _, lengths = batch([5, 2, 7, 1], 2)
    emissions.requires_grad_()
    (slope,) = torch.autograd.grad(crf._log_sums(emissions, lengths).sum(), emissions)
    torch.testing.assert_close(crf.marginals(emissions, lengths).exp(), slope)


def test_texts_do_not_feel_each_other():
    crf = chain(3)
    emissions, gold, lengths = batch([4, 9, 1, 4, 6], 3)
    together = crf.log_likelihood(emissions, gold, lengths)
    path, marginals = crf.viterbi(emissions, lengths), crf.marginals(emissions, lengths)
    sizes = lengths.tolist()
    parts = zip(*(x.split(sizes) for x in (emissions, gold, path, marginals)), strict=True)
    for number, (x, right, found, of_tag) in enumerate(parts):
        alone = torch.tensor([len(x)])
        torch.testing.assert_close(crf.log_likelihood(x, right, alone)[0], together[number])
        assert crf.viterbi(x, alone).tolist() == found.tolist()
        torch.testing.assert_close(crf.marginals(x, alone), of_tag)


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_forbidden_steps_are_never_taken(scheme):
    names = tag_names(["x", "y"], scheme)
    free = chain(4, len(names))
    bound = chain(4, len(names), transitions(names, scheme))
    emissions, _, lengths = batch([1, 2, 30, 12, 3], 4, len(names))

    def well_spelled(crf):
        paths = crf.viterbi(emissions, lengths).split(lengths.tolist())
        tags = [[names[tag] for tag in path.tolist()] for path in paths]
        return all(tags_of(spans_of(row), len(row), scheme) == row for row in tags)

    assert well_spelled(bound)
    assert not well_spelled(free), "the check could see nothing"
    chances = bound.marginals(emissions, lengths).exp()
    first = [names[tag] for tag in (chances[0] > 0).nonzero()[:, 0].tolist()]
    assert not any(name.startswith(("I", "E")) for name in first)


def test_what_is_forbidden_is_no_parameter_and_in_no_checkpoint():
    crf = LinearChainCRF(3, transitions(tag_names(["x"], "BIO"), "BIO"))
    assert set(crf.state_dict()) == {"transitions", "start", "end"}
    assert [p.requires_grad for p in crf.parameters()] == [True] * 3
    assert crf.forbidden.tolist()[0] == [0, 0, -1e4], "O before I-x"


def test_a_forbidden_gold_path_is_improbable_and_finite():
    crf = LinearChainCRF(3, transitions(tag_names(["x"], "BIO"), "BIO"))
    emissions = torch.zeros(2, 3, requires_grad=True)
    loss = -crf.log_likelihood(emissions, torch.tensor([0, 2]), torch.tensor([2]))
    loss.sum().backward()
    assert 9e3 < loss.item() < 1.1e4
    assert emissions.grad.isfinite().all()
    assert crf.transitions.grad.isfinite().all()


def test_nothing_at_all_is_a_softmax():
    crf = LinearChainCRF(TAGS).double()
    emissions, gold, lengths = batch([3, 5], 6)
    torch.testing.assert_close(crf.marginals(emissions, lengths), emissions.log_softmax(-1))
    assert crf.viterbi(emissions, lengths).tolist() == emissions.argmax(-1).tolist()
    chances = emissions.log_softmax(-1).gather(1, gold[:, None]).squeeze(1)
    expected = torch.stack([part.sum() for part in chances.split([3, 5])])
    torch.testing.assert_close(crf.log_likelihood(emissions, gold, lengths), expected)


def test_long_texts_stay_finite_in_float32():
    crf = chain(7).float()
    emissions, gold, lengths = batch([512, 3], 7)
    emissions = (50 * emissions).float().requires_grad_()
    likelihood = crf.log_likelihood(emissions, gold, lengths)
    likelihood.sum().backward()
    assert likelihood.isfinite().all()
    assert (likelihood <= 0).all()
    assert emissions.grad.isfinite().all()
    sums = crf.marginals(emissions, lengths).exp().sum(-1)
    torch.testing.assert_close(sums, torch.ones(515))


def test_it_learns_that_tags_alternate():
    """Emissions say nothing but the first tag; the rest is for the transitions."""
    torch.manual_seed(0)
    crf = LinearChainCRF(2)
    lengths = torch.tensor([6, 9, 4])
    gold = torch.from_numpy(
        np.concatenate([(np.arange(n) + k) % 2 for k, n in enumerate(lengths.tolist())])
    )
    emissions = torch.zeros(19, 2)
    starts = lengths.cumsum(0) - lengths
    emissions[starts, gold[starts]] = 4.0
    optimizer = torch.optim.Adam(crf.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = -crf.log_likelihood(emissions, gold, lengths).mean()
        loss.backward()
        optimizer.step()
    assert crf.viterbi(emissions, lengths).tolist() == gold.tolist()
    assert loss.item() < 0.5
