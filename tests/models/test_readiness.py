"""Weights that are ready to answer with."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from glossator.models import checkpoint
from glossator.models.readiness import make_ready


@pytest.fixture
def crooked(tiny_model_folder, tmp_path):
    """A folder whose weights lie in their file where no allocator would put them."""
    model = checkpoint.load_classifier(tiny_model_folder, ["a", "b"])
    checkpoint.save(model, tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    for more in (0, 8):  # bytes of the header, of which one of two lengths is no multiple of 64
        save_file(weights, file, metadata={"format": "pt", "more": "-" * more})
        if int.from_bytes(file.read_bytes()[:8], "little") % 64 != 56:
            break
    return tmp_path


def places(model):
    """Where maps lie in memory, beyond a multiple of 64 bytes."""
    maps = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return {parameter.data_ptr() % 64 for each in maps for parameter in each.parameters()}


def test_maps_lie_as_they_would_after_training(crooked):
    """Or a product of the same numbers could be rounded otherwise."""
    model = checkpoint.load_classifier(crooked)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    assert places(model) != {0}
    make_ready(model, torch.float32)
    assert places(model) == {0}
    assert all(torch.equal(before[name], x) for name, x in model.state_dict().items())


def test_a_word_table_stays_in_its_file(crooked):
    model = checkpoint.load_classifier(crooked)
    table = model.encoder.embeddings.words.weight
    place = table.data_ptr()
    make_ready(model, torch.float32)
    assert table.data_ptr() == place


def test_bfloat16_answers_on_any_processor(crooked):
    model = checkpoint.load_classifier(crooked)
    make_ready(model, torch.bfloat16)
    block = model.encoder.blocks[0].feedforward
    x = torch.ones(3, block.up.in_features, dtype=torch.bfloat16)
    with torch.inference_mode():
        found = block.up(x).float()
    assert torch.isfinite(found).all()
