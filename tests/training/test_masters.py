"""Float32 masters behind a bfloat16 model."""

from __future__ import annotations

import torch
from torch import nn

from glossator.training.masters import Gradients, MasterWeights
from glossator.training.optimizers import AdamW


def make(dtype: torch.dtype) -> tuple[nn.Sequential, MasterWeights]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    groups = [("0.weight", "2.weight"), ("0.bias", "2.bias")]
    return model, MasterWeights(
        dict(model.named_parameters()), groups, list(dict(model.named_parameters())), dtype
    )


def gradients(model: nn.Module, loss: torch.Tensor) -> Gradients:
    named = dict(model.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return dict(zip(named, found, strict=True))


def train(model: nn.Module, masters: MasterWeights) -> None:
    dtype = next(model.parameters()).dtype
    optimizers = [AdamW(vector) for vector in masters.vectors]
    for step in range(5):
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step)).to(dtype)
        masters.take_gradients([gradients(model, model(x).float().square().sum() / 2)])
        groups = zip(optimizers, masters.vectors, masters.gradients, (0.01, 0.0), strict=True)
        for optimizer, vector, gradient, decay in groups:
            optimizer.update(vector, gradient, step=step + 1, rate=0.01, weight_decay=decay)
        masters.publish()
        masters.drop_gradients()


def test_in_float32_it_is_plain_adamw() -> None:
    ours, masters = make(torch.float32)
    train(ours, masters)
    masters.release()
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    matrices = [p for p in theirs.parameters() if p.ndim > 1]
    vectors = [p for p in theirs.parameters() if p.ndim == 1]
    plain = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}],
        lr=0.01,
    )
    for step in range(5):
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        (theirs(x).square().sum() / 2).backward()
        plain.step()
        plain.zero_grad()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_master_keeps_updates_that_its_rounded_copy_loses() -> None:
    model, masters = make(torch.bfloat16)
    before = [p.detach().clone() for p in model.parameters()]
    train(model, masters)
    rounded = [p.detach().float().clone() for p in model.parameters()]
    assert all(p.dtype == torch.bfloat16 for p in model.parameters())
    masters.release()
    after = list(model.parameters())
    assert all(p.dtype == torch.float32 for p in after)
    assert any((a != b.float()).any() for a, b in zip(after, before, strict=True))
    assert any((a != r).any() for a, r in zip(after, rounded, strict=True))
    for a, r in zip(after, rounded, strict=True):
        torch.testing.assert_close(a.detach().bfloat16().float(), r)


def test_gradients_of_parts_add_up() -> None:
    model, masters = make(torch.float32)
    x = torch.randn(6, 5)
    masters.take_gradients([gradients(model, model(x).square().sum())])
    whole = [g.clone() for g in masters.gradients]
    masters.drop_gradients()
    parts = [gradients(model, model(part).square().sum()) for part in (x[:2], x[2:3], x[3:])]
    masters.take_gradients(parts[:2])
    masters.take_gradients(parts[2:])
    for a, b in zip(masters.gradients, whole, strict=True):
        torch.testing.assert_close(a, b)


def test_parts_are_added_in_float32() -> None:
    """256 + 1 is 256 in bfloat16."""
    model, masters = make(torch.bfloat16)
    parts = [
        {name: torch.full_like(p, value) for name, p in model.named_parameters()}
        for value in (256.0, 1.0, 1.0)
    ]
    masters.take_gradients(parts)
    assert masters.gradients[0][:35].unique().tolist() == [258.0]


def test_a_parameter_without_a_gradient_has_zeros_and_not_those_of_the_step_before() -> None:
    model, masters = make(torch.float32)
    masters.take_gradients([gradients(model, model(torch.randn(2, 5)).square().sum())])
    masters.drop_gradients()
    alone = model[2](torch.randn(2, 7)).square().sum()  # the first layer takes no part
    masters.take_gradients([gradients(model, alone)])
    assert masters.gradients[0][: 5 * 7].abs().sum() == 0
    assert masters.gradients[0].abs().sum() > 0
