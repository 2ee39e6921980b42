"""Activations computed again: the same gradients from less that is kept."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from glossator.models import checkpoint, recomputation
from glossator.models.attention import AttentionPlan, attention
from glossator.models.dropout import drawing_from
from glossator.text.packing import pack


@pytest.fixture
def model(case, saved_by_referee):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder).train()
    for module in model.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.2)
    return model


@pytest.fixture
def gradients(model, texts, segments):
    def compute(*, recompute, own=True):
        model.encoder.recompute = recompute
        torch.manual_seed(3)
        with drawing_from(torch.Generator().manual_seed(3)) if own else nullcontext():
            loss = model(pack(texts, segments)).square().sum()
        return torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)

    return compute


def same(a, b):
    return all(x is y is None or torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("own", [True, False], ids=["a thread's generator", "torch's"])
def test_gradients_are_the_same_in_every_bit(gradients, own):
    assert same(gradients(recompute=False, own=own), gradients(recompute=True, own=own))


@pytest.mark.parametrize("case", ["bert"])
def test_dropout_that_draws_anew_would_be_caught(gradients, monkeypatch, case):
    monkeypatch.setattr(recomputation, "drawing_again", nullcontext)
    assert not same(gradients(recompute=False), gradients(recompute=True))


def test_of_a_block_its_input_alone_is_kept(model, texts, segments):
    def kept(*, recompute):
        """Numbers kept for the backward pass, without the inputs of blocks where these are."""
        model.encoder.recompute = recompute
        sizes = {}

        def keep(x):
            sizes[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        with saved_tensors_hooks(keep, lambda x: x):
            model(pack(texts, segments))
        return sum(sizes.values())

    tokens = sum(len(text) for text in texts)
    inputs = 4 * tokens * model.encoder.width * len(model.encoder.blocks)
    assert kept(recompute=True) + inputs < 0.6 * kept(recompute=False)


def test_attention_in_several_groups_is_computed_again():
    lengths = torch.tensor([300, 5, 90, 3, 290, 40])
    plan = AttentionPlan.build(lengths)
    assert len(plan.masks) > 1
    x = torch.randn(3, int(lengths.sum()), 2, 4, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()

    def attend(x):
        return attention(*x, plan, dropout=0.1)

    def gradient(run):
        with drawing_from(torch.Generator().manual_seed(3)):
            loss = run(x).square().sum()
        return torch.autograd.grad(loss, x)

    assert same(gradient(attend), gradient(lambda x: recomputation.recomputed(attend, x)))
