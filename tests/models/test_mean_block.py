"""A classifier that reads means, in the clothes of one that reads first tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from glossator.models import checkpoint
from glossator.models.heads import MeanToken
from glossator.models.mean_block import mean_reading
from glossator.text.packing import pack

BATCH = pack([np.array([2, 9, 11, 30, 3]), np.array([2, 17, 3])])


def cosines(a, b):
    return torch.nn.functional.cosine_similarity(a, b, dim=-1)


@pytest.fixture
def model(tiny_model_folder):
    return checkpoint.load_classifier(tiny_model_folder, ("a", "b", "c"))


def test_what_the_last_map_reads_is_the_mean_of_the_states(model):
    made = mean_reading(model)
    with torch.no_grad():
        means = MeanToken()(model.encoder(BATCH).last, BATCH)
        normed = torch.nn.functional.layer_norm(means, means.shape[-1:])
        pooled = made.pooled(BATCH)
        features = made.head.features(pooled)
    assert torch.allclose(pooled, normed, atol=2e-2)
    assert (cosines(features, normed) > 0.999).all()
    firsts = model.pooled(BATCH)
    assert (cosines(firsts - firsts.mean(), means - means.mean()) < 0.999).any(), "a control"


def test_saved_it_is_read_back_as_it_was(model, tmp_path):
    made = mean_reading(model)
    torch.nn.init.normal_(made.head.output.weight)
    checkpoint.save(made, tmp_path)
    again = checkpoint.load_classifier(tmp_path)
    with torch.no_grad():
        assert torch.equal(again(BATCH), made(BATCH))
    assert len(again.encoder.blocks) == len(model.encoder.blocks) + 1


def test_the_model_that_was_given_stays_as_it_was(model):
    before = {name: x.clone() for name, x in model.state_dict().items()}
    mean_reading(model)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_referee_reads_the_mean_of_every_family(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder, ["a", "b", "c d", "é"], seed=1)
    made = mean_reading(model)
    batch = pack([np.array(text) for text in texts], segments)
    with torch.no_grad():
        made.head.output.weight.normal_(generator=torch.Generator().manual_seed(1))
        means = MeanToken()(model.encoder(batch).last, batch)
        features, logits = made.head.features(made.pooled(batch)), made(batch)
    centred = [x - x.mean(dim=-1, keepdim=True) for x in (means, features)]
    assert (cosines(*centred) > 0.99).all()
    checkpoint.save(made, tmp_path / "ours")
    referee, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    theirs = ask_referee(referee, texts, segments).logits
    torch.testing.assert_close(logits, theirs, atol=1e-4, rtol=1e-4)
    assert theirs.std(0).min() > 0.001, "the texts must differ for the test to mean much"
