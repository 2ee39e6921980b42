"""The optimizer dealt out to workers is the one optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from glossator.errors import CheckpointError
from glossator.training.optimizers import OPTIMIZERS
from glossator.training.parameter_groups import ParameterGroup, clip_factor
from glossator.training.sharding import ShardedOptimizer

GROUPS = [
    ParameterGroup(("0.weight", "2.weight"), 0.1, 1.0),
    ParameterGroup(("0.bias", "2.bias"), 0.0, 0.5),
]


def make() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def batch(step: int) -> torch.Tensor:
    return torch.randn(4, 5, generator=torch.Generator().manual_seed(step))


def train(model: nn.Module, optimizer: ShardedOptimizer, clip: float) -> list[float]:
    named = dict(model.named_parameters())
    norms = []
    for step in range(4):
        parts = []
        for x in batch(step).split(2):
            found = torch.autograd.grad(model(x).square().sum(), list(named.values()))
            parts.append(dict(zip(named, found, strict=True)))
        optimizer.take_gradients(parts)
        norms.append(optimizer.norm() / 4)
        optimizer.step(step + 1, rate=0.01, factor=clip_factor(norms[-1], clip) / 4)
    optimizer.release(None)
    return norms


@pytest.mark.parametrize("clip", [0.05, 100.0])
def test_it_is_plain_adamw_over_the_whole_batch(two_workers, clip):
    ours, theirs = make(), make()
    named = dict(ours.named_parameters())
    sharded = ShardedOptimizer(named, GROUPS, low=[], dtype=torch.float32, workers=two_workers)
    norms = train(ours, sharded, clip)
    parameters = dict(theirs.named_parameters())
    plain = torch.optim.AdamW(
        {
            "params": [parameters[name] for name in group.names],
            "weight_decay": group.weight_decay,
            "lr": 0.01 * group.scale,
        }
        for group in GROUPS
    )
    for step, norm in enumerate(norms):
        (theirs(batch(step)).square().sum() / 4).backward()
        assert float(nn.utils.clip_grad_norm_(theirs.parameters(), clip)) == pytest.approx(
            norm, rel=1e-4
        )
        plain.step()
        plain.zero_grad()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_each_parameter_has_one_owner(two_workers):
    named = dict(make().named_parameters())
    before = {name: p.detach().clone() for name, p in named.items()}
    sharded = ShardedOptimizer(named, GROUPS, low=[], dtype=torch.float32, workers=two_workers)
    held = sum(len(vector) for vector in sharded.snapshot())
    assert held == sum(-(-p.numel() // 32) * 32 for p in named.values())
    assert {name.split("/")[-1] for name in sharded.state()} == {"0", "1"}
    assert all(torch.equal(p, before[name]) for name, p in named.items())


def ones(sharded, named, step=1):
    sharded.take_gradients([{name: torch.ones_like(p) for name, p in named.items()}])
    sharded.step(step, rate=0.1, factor=1.0)


def values(model):
    return [p.detach().clone() for p in model.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("low", [True, False])
def test_a_snapshot_is_shown_hidden_and_released(two_workers, low):
    model = make()
    named = dict(model.named_parameters())
    sharded = ShardedOptimizer(
        named, GROUPS, low=named if low else [], dtype=torch.bfloat16, workers=two_workers
    )
    exact = values(make())
    first, kept = values(model), sharded.snapshot()
    ones(sharded, named)
    second = values(model)
    assert not same(first, second)
    sharded.show(kept)
    assert same(values(model), first)
    sharded.hide()
    assert same(values(model), second)
    ones(sharded, named, 2)  # what was shown in between changes nothing
    assert not same(values(model), second)
    sharded.release(kept)
    assert same(values(model), exact)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_state_is_taken_up_to_the_bit(two_workers, kind):
    def begin():
        model = make()
        named = dict(model.named_parameters())
        return model, named, ShardedOptimizer(
            named,
            GROUPS,
            low=named,
            dtype=torch.bfloat16,
            workers=two_workers,
            kind=kind,
            average=0.5,
        )  # fmt: skip

    model, named, whole = begin()
    ones(whole, named, 1)
    state = {name: vector.clone() for name, vector in whole.state().items()}
    ones(whole, named, 2)
    other, other_named, resumed = begin()
    resumed.load_state(state)
    ones(resumed, other_named, 2)
    assert same(values(model), values(other))
    assert all(torch.equal(x, resumed.state()[name]) for name, x in whole.state().items())
    _, fresh_named, fresh = begin()
    ones(fresh, fresh_named, 2)
    assert not all(torch.equal(x, fresh.state()[name]) for name, x in whole.state().items())


def test_a_state_of_another_model_is_refused(two_workers):
    named = dict(make().named_parameters())
    sharded = ShardedOptimizer(named, GROUPS, low=[], dtype=torch.float32, workers=two_workers)
    with pytest.raises(CheckpointError, match="of another model"):
        sharded.load_state({})


def test_the_average_is_one_of_the_weights_so_far(two_workers):
    model = make()
    named = dict(model.named_parameters())
    sharded = ShardedOptimizer(
        named, GROUPS, low=[], dtype=torch.float32, workers=two_workers, average=0.999
    )
    seen = [torch.cat([x.flatten() for x in values(model)])]
    for step in range(1, 40):
        ones(sharded, named, step)
        seen.append(torch.cat([x.flatten() for x in values(model)]))
    sharded.show(sharded.snapshot())
    shown = torch.cat([x.flatten() for x in values(model)])
    lowest, highest = torch.stack(seen).min(0).values, torch.stack(seen).max(0).values
    assert ((shown >= lowest) & (shown <= highest)).all()
    assert (shown - seen[-1]).norm() < (shown - seen[0]).norm()  # where it began is forgotten
    assert not torch.equal(shown, seen[-1])
