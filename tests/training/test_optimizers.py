"""Parameter groups and clipping."""

from __future__ import annotations

import pytest
import torch

from glossator.training.optimizers import clip, depth_of, parameter_groups

NAMED = {
    "encoder.embeddings.words.weight": torch.zeros(4, 2),
    "encoder.blocks.0.attention.query.weight": torch.zeros(2, 2),
    "encoder.blocks.0.attention.query.bias": torch.zeros(2),
    "encoder.blocks.1.feedforward.up.weight": torch.zeros(2, 2),
    "head.output.weight": torch.zeros(2, 2),
}


def test_vectors_are_not_decayed() -> None:
    groups = parameter_groups(NAMED, blocks=2, weight_decay=0.1, layer_decay=1.0)
    decays = {name: group.weight_decay for group in groups for name in group.names}
    assert decays == {name: 0.1 if x.ndim > 1 else 0.0 for name, x in NAMED.items()}


def test_the_rate_shrinks_by_a_factor_a_block() -> None:
    groups = parameter_groups(NAMED, blocks=2, weight_decay=0.0, layer_decay=0.5)
    scales = {name: group.scale for group in groups for name in group.names}
    assert set(scales) == set(NAMED)
    assert scales["head.output.weight"] == 1.0
    assert scales["encoder.blocks.1.feedforward.up.weight"] == 0.5
    assert scales["encoder.blocks.0.attention.query.weight"] == 0.25
    assert scales["encoder.embeddings.words.weight"] == 0.125


def test_depth() -> None:
    assert [depth_of(name, 2) for name in NAMED] == [0, 1, 1, 2, 3]


@pytest.mark.parametrize("longest", [0.5, 100.0])
def test_clip_is_torchs_own(longest: float) -> None:
    torch.manual_seed(0)
    ours = [torch.randn(5), torch.randn(3, 4)]
    parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in ours]
    for parameter, gradient in zip(parameters, ours, strict=True):
        parameter.grad = gradient / 2
    norm = torch.nn.utils.clip_grad_norm_(parameters, longest)
    assert clip(ours, divisor=2.0, longest=longest) == pytest.approx(float(norm), rel=1e-5)
    for gradient, parameter in zip(ours, parameters, strict=True):
        torch.testing.assert_close(gradient, parameter.grad)
