from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from glossator.tasks.losses import (
    balanced_weights,
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
    huber,
    squared_error,
)

ROWS, CLASSES = 40, 5


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(ROWS, CLASSES, generator=generator, dtype=torch.float64)
    targets = torch.randint(CLASSES, (ROWS,), generator=generator)
    weights = torch.rand(CLASSES, generator=generator, dtype=torch.float64) + 0.1
    return logits, targets, weights


def by_hand(logits, targets, *, smoothing=0.0, gamma=0.0, weights=None):
    """Szegedy et al., section 7, and Lin et al., equation 4, row by row in numpy."""
    losses = []
    for row, target in zip(logits.numpy(), targets.tolist(), strict=True):
        chances = np.exp(row) / np.exp(row).sum()
        wanted = np.full(CLASSES, smoothing / CLASSES)
        wanted[target] += 1 - smoothing
        loss = -(wanted * np.log(chances)).sum() * (1 - chances[target]) ** gamma
        losses.append(loss if weights is None else loss * float(weights[target]))
    return np.array(losses)


def test_cross_entropy_is_that_of_torch(batch):
    logits, targets, weights = batch
    expected = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(cross_entropy(logits, targets), expected)
    weighted = F.cross_entropy(logits, targets, weight=weights, reduction="none")
    torch.testing.assert_close(cross_entropy(logits, targets, class_weights=weights), weighted)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_smoothing_is_that_of_torch_and_of_the_paper(batch, smoothing):
    logits, targets, weights = batch
    got = cross_entropy(logits, targets, label_smoothing=smoothing)
    expected = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
    torch.testing.assert_close(got, expected)
    hand = by_hand(logits, targets, smoothing=smoothing, weights=weights)
    got = cross_entropy(logits, targets, label_smoothing=smoothing, class_weights=weights)
    np.testing.assert_allclose(got.numpy(), hand, rtol=1e-10)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_loss_is_that_of_the_paper(batch, gamma):
    logits, targets, weights = batch
    got = focal_loss(logits, targets, gamma=gamma, class_weights=weights)
    hand = by_hand(logits, targets, gamma=gamma, weights=weights)
    np.testing.assert_allclose(got.numpy(), hand, rtol=1e-10)


def test_without_focus_it_is_cross_entropy(batch):
    logits, targets, weights = batch
    for given in (None, weights):
        got = focal_loss(logits, targets, gamma=0.0, class_weights=given)
        torch.testing.assert_close(got, cross_entropy(logits, targets, class_weights=given))
    focused = focal_loss(logits, targets, gamma=2.0)
    assert (focused < cross_entropy(logits, targets)).all(), "the check could see nothing"


@pytest.mark.parametrize("loss", [cross_entropy, lambda x, y: focal_loss(x, y, gamma=2.0)])
def test_extreme_logits_give_finite_losses_and_gradients(loss):
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0]], requires_grad=True)
    losses = loss(logits, torch.tensor([0, 0, 1]))
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad.isfinite().all()


def test_balanced_weights_let_every_class_weigh_alike():
    counts = torch.tensor([90.0, 9.0, 1.0])
    weights = balanced_weights(counts)
    torch.testing.assert_close(weights * counts, torch.full((3,), 100 / 3))
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1)


def test_a_class_without_rows_has_a_finite_weight():
    assert balanced_weights(torch.tensor([3.0, 0.0])).isfinite().all()


def binary_by_hand(logits, targets, *, smoothing=0.0, weights=None):
    """`-[w t log p + (1 - t) log(1 - p)]`, label by label in numpy."""
    chances = 1 / (1 + np.exp(-logits.numpy()))
    wanted = targets.numpy() * (1 - smoothing) + smoothing / 2
    factor = 1 if weights is None else weights.numpy()
    losses = -(factor * wanted * np.log(chances) + (1 - wanted) * np.log(1 - chances))
    return losses.mean(axis=1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_is_that_of_its_equation(batch, smoothing, weighted):
    logits, targets, weights = batch
    has = F.one_hot(targets, CLASSES).bool() | (logits > 1)
    given = weights if weighted else None
    got = binary_cross_entropy(logits, has, positive_weights=given, label_smoothing=smoothing)
    assert got.shape == (ROWS,)
    hand = binary_by_hand(logits, has.double(), smoothing=smoothing, weights=given)
    np.testing.assert_allclose(got.numpy(), hand, rtol=1e-10)
    soft = binary_cross_entropy(
        logits, has.double(), positive_weights=given, label_smoothing=smoothing
    )
    torch.testing.assert_close(soft, got)


def test_binary_cross_entropy_of_extreme_logits_is_finite():
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    losses = binary_cross_entropy(logits, torch.tensor([[True, True], [False, False]]))
    losses.sum().backward()
    torch.testing.assert_close(losses, torch.tensor([5e3, 5e3]))
    assert logits.grad.isfinite().all()


def test_errors_of_numbers():
    predictions = torch.tensor([0.0, 0.5, -3.0, 1e6])
    targets = torch.tensor([0.0, 0.0, 1.0, 0.0])
    torch.testing.assert_close(
        squared_error(predictions, targets), torch.tensor([0, 0.25, 16, 1e12])
    )
    expected = torch.tensor([0, 0.125, 2 * (4 - 1), 2 * (1e6 - 1)])
    torch.testing.assert_close(huber(predictions, targets, delta=2.0), expected)
    near = huber(predictions[:2], targets[:2])
    torch.testing.assert_close(near, squared_error(predictions[:2], targets[:2]) / 2)
