"""New models look at neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator.models import families, new_models
from glossator.models.neighbours import place_table
from glossator.models.sizes import SIZES
from glossator.text.packing import pack

LENGTH = 60


def new(family, *, size="mini", seed=0):
    config = families.by_model_type(family).sized(SIZES[size], vocabulary=500, length=64, pad=1)
    return new_models.new_masked(config, seed=seed)


def looked_at(model, away):
    """(heads,) mean attention of the first block to the place so far away."""
    batch = pack([np.random.default_rng(0).integers(5, 500, LENGTH)])
    with torch.no_grad():
        maps = model.encoder(batch, attention_maps=True).attention_maps
    return maps[0][0].diagonal(away, dim1=1, dim2=2).mean(-1)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_each_head_of_the_first_block_looks_at_a_place_of_its_own(family):
    model = new(family)
    for head, away in enumerate((-1, 1, -2, 2)):
        assert looked_at(model, away)[head] > 0.2
        others = [looked_at(model, other)[head] for other in range(-5, 6) if other != away]
        assert max(others) < 0.05


@pytest.mark.parametrize("family", ["electra", "modernbert"])
def test_where_the_first_block_sees_no_table_all_stays_as_it_was(family, monkeypatch):
    model = new(family)
    assert place_table(model.encoder) is None
    monkeypatch.setattr(new_models, "look_at_neighbours", lambda *_, **__: None)
    untouched = new(family).state_dict()
    assert all(torch.equal(x, untouched[name]) for name, x in model.state_dict().items())


def test_an_electra_whose_embeddings_are_as_wide_as_its_blocks_looks_too():
    assert looked_at(new("electra", size="tiny"), -1)[0] > 0.2


def test_the_seed_says_all():
    one, same, other = (
        new("bert", seed=seed).encoder.embeddings.added["positions"].weight for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
