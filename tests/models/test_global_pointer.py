"""Scores of stretches of words, and the loss that tells right ones from all others."""

from __future__ import annotations

import itertools

import pytest
import torch

from glossator.models.global_pointer import GlobalPointer, span_loss

LENGTHS = torch.tensor([3, 0, 5, 1])


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = GlobalPointer(16, labels=2, size=8)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return head


def slow(head, x):
    """(C, n, n) of one text, a stretch at a time."""
    n, size = len(x), head.size
    both, scores = head.pointer(x), torch.full((head.labels, n, n), -1e4)
    ends = head.ends(both)
    frequency = 1 / 10_000 ** (torch.arange(0, size, 2) / size)

    def turned(vector, place):
        a, b = vector.chunk(2)
        cos, sin = (place * frequency).cos(), (place * frequency).sin()
        return torch.cat([a * cos - b * sin, b * cos + a * sin])

    for first, last in itertools.combinations_with_replacement(range(n), 2):
        q, k = turned(both[first, :size], first), turned(both[last, size:], last)
        for label in range(head.labels):
            bias = (ends[first, label] + ends[last, head.labels + label]) / 2
            scores[label, first, last] = q @ k / size**0.5 + bias
    return scores


def test_each_stretch_has_the_score_of_the_paper(head):
    x = torch.randn(int(LENGTHS.sum()), 16)
    found = head(x, LENGTHS)
    assert found.shape == (4, 2, 5, 5)
    for number, part in enumerate(torch.split(x, LENGTHS.tolist())):
        n = len(part)
        expected = torch.full((2, 5, 5), -1e4)
        if n:
            expected[:, :n, :n] = slow(head, part)
        torch.testing.assert_close(found[number], expected, atol=1e-5, rtol=1e-5)


def test_a_text_has_the_same_scores_alone_and_among_others(head):
    x = torch.randn(9, 16)
    together = head(x, LENGTHS)
    alone = head(x[3:8], torch.tensor([5]))
    torch.testing.assert_close(alone[0], together[2])


def test_the_loss_is_that_of_the_paper():
    torch.manual_seed(0)
    scores = torch.randn(2, 3, 4, 4)
    right = torch.rand(2, 3, 4, 4) < 0.3
    right[0, 0] = False
    expected = []
    for text in range(2):
        one = []
        for label in range(3):
            s, r = scores[text, label].flatten(), right[text, label].flatten()
            one.append((1 + (-s[r]).exp().sum()).log() + (1 + s[~r].exp().sum()).log())
        expected.append(torch.stack(one).mean())
    torch.testing.assert_close(span_loss(scores, right), torch.stack(expected))


def test_a_text_without_words_costs_nothing(head):
    scores = head(torch.randn(0, 16), torch.tensor([0]))
    assert span_loss(scores, torch.zeros_like(scores, dtype=torch.bool)).item() == 0


def test_what_is_wrong_alone_is_pushed(head):
    x = torch.randn(4, 16)
    right = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    right[0, 1, 0, 2] = right[0, 1, 1, 1] = True  # one inside the other
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        span_loss(head(x, torch.tensor([4])), right).sum().backward()
        optimizer.step()
    assert torch.equal(head(x, torch.tensor([4])) > 0, right)
