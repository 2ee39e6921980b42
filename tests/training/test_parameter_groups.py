"""Parameter groups and clipping."""

from __future__ import annotations

import pytest
import torch

from glossator.training.parameter_groups import clip_factor, depth_of, parameter_groups

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
    parameter = torch.nn.Parameter(torch.zeros(5, 4))
    gradient = torch.randn(5, 4)
    parameter.grad = gradient.clone()
    norm = float(torch.nn.utils.clip_grad_norm_([parameter], longest))
    torch.testing.assert_close(gradient * clip_factor(norm, longest), parameter.grad)


def test_positions_have_a_rate_of_their_own():
    positions = "encoder.embeddings.added.positions.weight"
    named = {**NAMED, positions: torch.zeros(4, 2)}
    groups = parameter_groups(
        named, blocks=2, weight_decay=0.1, layer_decay=1.0, position_rate=0.25
    )
    assert {g.scale for g in groups if positions in g.names} == {0.25}
    assert {g.scale for g in groups if positions not in g.names} == {1.0}
