"""Packed attention against the equation written text by text in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from glossator.models.attention import AttentionPlan, attention, attention_maps

_HEADS, _DIM = 3, 8
_LENGTHS = [
    pytest.param([1], id="one-token"),
    pytest.param([5, 32, 1, 33, 17, 2, 64, 9], id="mixed"),
    pytest.param([32, 32, 64], id="full-rows"),
    pytest.param([200, 3, 3, 3], id="wider-than-fused"),
]
_KINDS = [
    pytest.param({}, id="all"),
    pytest.param({"window": 2}, id="window"),
    pytest.param({"causal": True}, id="causal"),
    pytest.param({"window": 3, "causal": True}, id="both"),
]


def _reference(
    q: Tensor, k: Tensor, v: Tensor, lengths: list[int], positions: list[Tensor], **kind: object
) -> Tensor:
    window, causal = kind.get("window"), kind.get("causal", False)
    results = []
    counts = [len(p) for p in positions]
    for qs, ks, vs, at in zip(
        q.split(counts), k.split(lengths), v.split(lengths), positions, strict=True
    ):
        scores = torch.einsum("qhd,khd->hqk", qs, ks) / _DIM**0.5
        ahead = torch.arange(len(ks))[None] - at[:, None]
        if causal:
            scores = scores.masked_fill(ahead > 0, -torch.inf)
        if window is not None:
            scores = scores.masked_fill(ahead.abs() > window, -torch.inf)
        results.append(torch.einsum("hqk,khd->qhd", scores.softmax(-1), vs))
    return torch.cat(results)


def _tensors(queries: int, keys: int, seed: int = 0) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [
        torch.randn(n, _HEADS, _DIM, generator=g, dtype=torch.float64)
        for n in (queries, keys, keys)
    ]


def _with_gradients(function, tensors: list[Tensor]) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in tensors]
    result = function(*leaves)
    weights = torch.randn(
        result.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64
    )
    (result * weights).sum().backward()
    return [result.detach(), *(x.grad for x in leaves)]


def _largest_difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("lengths", _LENGTHS)
def test_result_and_gradients_are_those_of_the_equation(lengths, kind):
    plan = AttentionPlan.build(torch.tensor(lengths), **kind).mask_dtype(torch.float64)
    tensors = _tensors(sum(lengths), sum(lengths))
    positions = [torch.arange(n) for n in lengths]
    ours = _with_gradients(lambda *x: attention(*x, plan), tensors)
    theirs = _with_gradients(lambda *x: _reference(*x, lengths, positions, **kind), tensors)
    assert _largest_difference(ours, theirs) < 1e-12


@pytest.mark.parametrize("kind", _KINDS)
def test_queries_of_some_rows_alone(kind):
    lengths = [5, 32, 1, 33]
    positions = [torch.tensor(p) for p in ([0], [3, 30], [0], [0, 1, 32])]
    plan = AttentionPlan.build(
        torch.tensor(lengths),
        torch.tensor([len(p) for p in positions]),
        q_positions=torch.cat(positions),
        **kind,
    ).mask_dtype(torch.float64)
    tensors = _tensors(7, sum(lengths))
    ours = _with_gradients(lambda *x: attention(*x, plan), tensors)
    theirs = _with_gradients(lambda *x: _reference(*x, lengths, positions, **kind), tensors)
    assert _largest_difference(ours, theirs) < 1e-12


def test_a_group_of_texts_of_which_nothing_is_asked():
    lengths = [5, 200, 190, 33]  # the long ones form a group of their own
    positions = [torch.tensor(p, dtype=torch.int64) for p in ([0, 3], [], [], [1])]
    plan = AttentionPlan.build(
        torch.tensor(lengths),
        torch.tensor([2, 0, 0, 1]),
        q_positions=torch.cat(positions),
    ).mask_dtype(torch.float64)
    assert len(plan.masks) > 1
    tensors = _tensors(3, sum(lengths))
    ours = _with_gradients(lambda *x: attention(*x, plan), tensors)
    theirs = _with_gradients(lambda *x: _reference(*x, lengths, positions), tensors)
    assert _largest_difference(ours, theirs) < 1e-12


def test_a_plan_of_other_texts_is_told_apart():
    tensors = _tensors(40, 40)
    wrong = AttentionPlan.build(torch.tensor([20, 20])).mask_dtype(torch.float64)
    ours = _with_gradients(lambda *x: attention(*x, wrong), tensors)
    positions = [torch.arange(21), torch.arange(19)]
    theirs = _with_gradients(lambda *x: _reference(*x, [21, 19], positions), tensors)
    assert _largest_difference(ours, theirs) > 0.01


def test_gradients_hold_under_dropout():
    lengths = [5, 32, 7]
    plan = AttentionPlan.build(torch.tensor(lengths)).mask_dtype(torch.float64)

    def seeded(*tensors: Tensor) -> Tensor:
        torch.manual_seed(3)
        return attention(*tensors, plan, dropout=0.3)

    leaves = [x[:, :1, :2].clone().requires_grad_() for x in _tensors(44, 44)]
    assert torch.autograd.gradcheck(seeded, leaves, fast_mode=True)


def test_dropout_keeps_the_expectation():
    lengths = [6]
    plan = AttentionPlan.build(torch.tensor(lengths)).mask_dtype(torch.float64)
    q, k, v = _tensors(6, 6)
    torch.manual_seed(0)
    mean = sum(attention(q, k, v, plan, dropout=0.25) for _ in range(3000)) / 3000
    assert float((mean - attention(q, k, v, plan)).abs().max()) < 0.1


def test_maps_times_values_are_the_result():
    lengths = [5, 33, 2]
    plan = AttentionPlan.build(torch.tensor(lengths), window=4).mask_dtype(torch.float64)
    q, k, v = _tensors(40, 40)
    maps = attention_maps(q, k, plan)
    products = [
        torch.einsum("hqk,khd->qhd", m, x) for m, x in zip(maps, v.split(lengths), strict=True)
    ]
    assert float((torch.cat(products) - attention(q, k, v, plan)).abs().max()) < 1e-12


def test_bfloat16_stays_near_float64():
    lengths = [5, 32, 1, 33, 17]
    tensors = _tensors(88, 88)
    exact = attention(*tensors, AttentionPlan.build(torch.tensor(lengths)))
    low = AttentionPlan.build(torch.tensor(lengths)).mask_dtype(torch.bfloat16)
    rounded = attention(*(x.bfloat16() for x in tensors), low)
    assert float((rounded.double() - exact).abs().max()) < 0.03


def test_row_widths_are_whole_vectors():
    plan = AttentionPlan.build(torch.tensor([5, 40, 1, 100, 17]))
    assert all(mask.shape[-1] % 32 == 0 for mask in plan.masks)
