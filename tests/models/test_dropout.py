"""Dropout: its rate, its scale, its seed, its gradient."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from glossator.models.dropout import Dropout, drawing_from, dropout, dropout_mask


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_and_scale(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(400, 1001, dtype=dtype)
    y = dropout(x, p).float()
    rate = round(p * 256) / 256
    assert float((y == 0).float().mean()) == pytest.approx(rate, abs=0.004)
    kept = y[y != 0].unique()
    assert kept.tolist() == [float(torch.tensor(1 / (1 - rate)).to(dtype))]


def test_bfloat16_factor_is_not_rounded_before_it_is_applied():
    """1.113 in bfloat16 is 1.109: times 96 that would be 106.5, and it is 106.85 = 107."""
    torch.manual_seed(0)
    x = torch.full((64,), 96.0, dtype=torch.bfloat16)
    (kept,) = dropout(x, 26 / 256).unique()[1:].tolist()
    assert kept == float(torch.tensor(96 * 256 / 230).bfloat16())
    assert kept != float(x[0] * torch.tensor(256 / 230).bfloat16())


def test_rate_of_zero_draws_nothing():
    before = torch.get_rng_state()
    x = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    assert dropout(x, 0.0) is x
    assert torch.equal(before, torch.get_rng_state())


def test_one_seed_one_mask_and_the_next_draw_another():
    x = torch.ones(100, 7)
    torch.manual_seed(5)
    first, second = dropout(x, 0.3), dropout(x, 0.3)
    torch.manual_seed(5)
    assert torch.equal(first, dropout(x, 0.3))
    assert not torch.equal(first, second)


def test_every_octet_of_a_draw_counts():
    """A generator that leaves bits unset would show as a place that is dropped too rarely."""
    torch.manual_seed(1)
    mask, _ = dropout_mask(torch.empty(40_000, 8), 0.25)
    assert mask.mean(0).tolist() == pytest.approx([0.75] * 8, abs=0.01)


def test_gradient_passes_where_the_value_did():
    torch.manual_seed(2)
    x = torch.ones(50, 50, requires_grad=True)
    y = dropout(x, 0.4)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_add_is_the_sum():
    layer = Dropout(0.4)
    x, residual = (torch.randn(30, 30, requires_grad=True) for _ in range(2))
    torch.manual_seed(3)
    apart = residual + layer(x)
    torch.manual_seed(3)
    together = layer.add(residual, x)
    torch.testing.assert_close(together, apart, rtol=1e-6, atol=1e-6)
    weights = torch.randn(30, 30)
    ours = torch.autograd.grad((together * weights).sum(), (residual, x))
    theirs = torch.autograd.grad((apart * weights).sum(), (residual, x))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


def test_evaluation_is_the_identity():
    layer = Dropout(0.4).eval()
    x = torch.randn(4, 4)
    assert layer(x) is x
    assert torch.equal(layer.add(x, x), x + x)


def test_a_mask_has_zeros_and_ones():
    mask, factor = dropout_mask(torch.empty(64, 64, dtype=torch.bfloat16), 0.5)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert factor == 2.0


def test_threads_draw_each_from_their_own_generator():
    x = torch.ones(200, 50)

    def draw(seed):
        with drawing_from(torch.Generator().manual_seed(seed)):
            return [dropout(x, 0.3) for _ in range(20)]

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(draw, [1, 2]))
    for seed, results in zip([1, 2], together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(results, draw(seed), strict=True))
    assert not torch.equal(together[0][0], together[1][0])


def test_a_generator_is_given_back():
    generator = torch.Generator().manual_seed(1)
    with drawing_from(generator):
        pass
    state = generator.get_state()
    dropout(torch.ones(10), 0.5)
    assert torch.equal(state, generator.get_state())
