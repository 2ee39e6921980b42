"""Replaced-token detection: what is drawn, what is to be found, and what counts as found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from glossator.errors import ConfigError
from glossator.models import families, new_models
from glossator.models.sizes import SIZES
from glossator.pretraining.config import ObjectiveConfig, PretrainConfig, StartConfig
from glossator.pretraining.objectives.replaced_token import ReplacedToken
from glossator.pretraining.rows import SPECIAL, MarkedExample
from glossator.text.tokenizer import Tokenizer
from glossator.training.rows import as_rows


@pytest.fixture
def tokenizer(tokenizer_folder):
    return Tokenizer.load(tokenizer_folder)


@pytest.fixture
def model(tokenizer):
    config = families.by_model_type("electra").sized(
        SIZES["tiny"], vocabulary=tokenizer.vocabulary_size, length=64, pad=0
    )
    return new_models.new_replaced(config, seed=1)


@pytest.fixture
def examples(tokenizer):
    random = np.random.default_rng(1)
    made = []
    for length in (30, 12, 50):
        ids = tokenizer.wrap(random.integers(5, tokenizer.vocabulary_size, length).astype(np.int32))
        marks = np.zeros(len(ids), np.uint8)
        marks[[0, -1]] = SPECIAL
        made.append(MarkedExample(ids, (0, length), marks=marks))
    return made


def test_generator_and_detector_share_their_embeddings(model):
    assert model.generator.encoder.embeddings is model.encoder.embeddings
    names = [name for name, _ in model.named_parameters()]
    assert not any(name.startswith("generator.encoder.embeddings") for name in names)
    assert model.generator.encoder.width < model.encoder.width


def test_the_generator_sees_masks_and_the_detector_what_it_drew(model, tokenizer, examples):
    batch = ReplacedToken(tokenizer, rate=0.3).collate(examples, 5)
    gaps = batch.gaps
    assert (gaps.inputs.tokens[gaps.read] == tokenizer.mask_id).all()
    whole = torch.from_numpy(np.concatenate([x.tokens for x in examples])).long()
    assert torch.equal(batch.tokens, whole)
    assert len(batch.read) == len(whole) - 2 * len(examples)
    drawn = gaps.targets.clone()
    drawn[::2] = (drawn[::2] + 1) % tokenizer.vocabulary_size
    inputs, replaced = batch.filled(drawn)
    assert torch.equal(inputs.tokens[gaps.read], drawn)
    others = torch.ones(len(whole), dtype=torch.bool)
    others[gaps.read] = False
    assert torch.equal(inputs.tokens[others], whole[others])
    assert int(replaced.sum()) == len(drawn[::2])
    at = set(batch.read[replaced > 0].tolist())
    assert at == set(gaps.read[::2].tolist()), "a token drawn right is none that was replaced"


def test_tokens_are_drawn_as_the_generator_holds_them_probable(model):
    gaps = torch.randn(1, 128).repeat(20_000, 1)
    chances = model.generator.logits(gaps[:1]).softmax(-1)[0]
    drawn = model.drawn(gaps, torch.Generator().manual_seed(3))
    share = torch.bincount(drawn, minlength=len(chances)) / len(gaps)
    off = (share - chances).abs() / (chances * (1 - chances) / len(gaps)).sqrt()
    assert off[chances > 1e-3].max() < 4.5


def test_both_learn_and_the_detector_teaches_no_generator(model, tokenizer, examples):
    objective = ReplacedToken(tokenizer, rate=0.3)
    batch = objective.collate(examples, 5)
    loss, count = objective.loss(model, batch)
    assert int(count) == len(batch.gaps.targets)
    loss.backward()
    assert all(x.grad is not None and x.grad.abs().max() > 0 for x in model.parameters())
    x = model.gaps(batch.gaps.inputs, batch.gaps.read)
    inputs, _ = batch.filled(model.drawn(x, torch.Generator().manual_seed(5)))
    model.zero_grad()
    model(inputs, batch.read).sum().backward()
    assert all(x.grad is None for x in model.generator.predictions.parameters())


def test_parts_of_a_batch_add_up(model, tokenizer, examples):
    objective = ReplacedToken(tokenizer)
    model.eval()
    rows = as_rows([[x] for x in examples])
    with torch.no_grad():
        parts = [objective.loss(model, objective.collate([x], i)) for i, x in enumerate(examples)]
    found = objective.scores(model, rows, token_budget=1)
    total, count = (sum(float(pair[i]) for pair in parts) for i in (0, 1))
    assert found["loss"] == pytest.approx(total / count, rel=1e-5)


def test_scores_of_a_detector_that_suspects_everything(model, tokenizer, examples):
    objective = ReplacedToken(tokenizer, rate=0.3)
    rows = as_rows([[x] for x in examples])
    counts = np.ones(tokenizer.vocabulary_size, np.int64)
    guess = objective.baseline(rows, counts, token_budget=500, model=model)
    share = 1 - guess["accuracy"]
    assert 0.1 < share < 0.45
    assert guess["f1"] == 0
    with torch.no_grad():
        model.detections.output.weight.zero_()
        model.detections.output.bias.fill_(9.0)
    found = objective.scores(model, rows, token_budget=500)
    assert found["accuracy"] == pytest.approx(share)
    assert found["f1"] == pytest.approx(2 * share / (1 + share))
    blind = math.log(share / (1 - share))
    with torch.no_grad():
        model.detections.output.bias.fill_(blind)
    by_share = objective.scores(model, rows, token_budget=500)
    assert by_share["loss"] - guess["loss"] == pytest.approx(
        _generators_loss(model, objective, examples) - math.log(len(counts)), abs=1e-3
    )


def _generators_loss(model, objective, examples):
    batch = objective.collate(examples, 0).gaps
    with torch.no_grad():
        x = model.gaps(batch.inputs, batch.read)
        logits = model.generator.logits(x).log_softmax(-1)
    return -logits.gather(1, batch.targets[:, None]).mean().item()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"tokenizer": "t"}, "--objective rtd is not for --family bert; expected one of electra"),
        ({"model": "minilm"}, "begins a new model"),
    ],
)
def test_it_begins_a_new_electra(start, message):
    with pytest.raises(ConfigError, match=message):
        PretrainConfig(objective=ObjectiveConfig(objective="rtd"), start=StartConfig(**start))
