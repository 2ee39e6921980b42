"""The optimizer dealt out to workers is the one optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from glossator.training.optimizers import ParameterGroup, clip_factor
from glossator.training.sharding import ShardedOptimizer
from glossator.training.workers import Workers

CPU = torch.device("cpu")
GROUPS = [
    ParameterGroup(("0.weight", "2.weight"), 0.1, 1.0),
    ParameterGroup(("0.bias", "2.bias"), 0.0, 0.5),
]


@pytest.fixture
def two_workers():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    workers = Workers(CPU)
    yield workers
    workers.close()
    torch.set_num_threads(before)


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
        optimizer.step(rate=0.01, factor=clip_factor(norms[-1], clip) / 4)
    optimizer.release()
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
    held = sum(len(vector) for shard in sharded.snapshot() for vector in shard)
    assert held == sum(-(-p.numel() // 32) * 32 for p in named.values())
    assert len(sharded.snapshot()) == 2
    assert all(torch.equal(p, before[name]) for name, p in named.items())


def test_a_snapshot_is_restored(two_workers):
    model = make()
    named = dict(model.named_parameters())
    sharded = ShardedOptimizer(named, GROUPS, low=named, dtype=torch.bfloat16, workers=two_workers)
    kept, shown = sharded.snapshot(), [p.detach().clone() for p in model.parameters()]
    sharded.take_gradients([{name: torch.ones_like(p) for name, p in named.items()}])
    sharded.step(rate=0.1, factor=1.0)
    assert not all(torch.equal(a, b) for a, b in zip(model.parameters(), shown, strict=True))
    sharded.restore(kept)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), shown, strict=True))
