"""What every objective must do; beside each contract, who breaks it."""

from __future__ import annotations

import json
import typing
from pathlib import Path

import numpy as np
import pytest
import torch

from glossator.artifact.opening import load
from glossator.errors import ChangedFileError, ModelFolderError
from glossator.files import sha256_file
from glossator.models import checkpoint
from glossator.models.replaced import DetectionHead
from glossator.pretraining.config import (
    ObjectiveConfig,
    ObjectiveName,
    PretrainConfig,
    StartConfig,
)
from glossator.pretraining.corpus.config import CorpusConfig
from glossator.pretraining.run import run_pretrain
from glossator.pretraining.watch import Watch
from glossator.text.packing import pack
from glossator.training.config import TrainingConfig
from glossator.training.events import Saved, Stepped

OBJECTIVES = typing.get_args(ObjectiveName)


class Killed(Exception):
    """In the place of a SIGKILL: nothing is written after it."""


class KilledAt(Watch):
    def __init__(self, step):
        self.step, self.saved = step, 0

    def training(self, event):
        if isinstance(event, Saved):
            self.saved = event.step
        if isinstance(event, Stepped) and event.step >= self.step and self.saved:
            raise Killed


class Member:
    """An objective, and how it is trained here."""

    def __init__(self, name, corpus: Path, tokenizer: Path, scratch: Path):
        self.name, self.corpus, self.tokenizer, self.scratch = name, corpus, tokenizer, scratch

    def train(self, name="model", *, watch=None, resume=False, **options):
        usual = {"max_steps": 12, "learning_rate": 3e-3, "batch_size": 8, "evaluation_steps": 5}
        family = {"clm": "gpt2", "rtd": "electra"}.get(self.name, "bert")
        config = PretrainConfig(
            objective=ObjectiveConfig(objective=self.name, length=48),
            start=StartConfig(tokenizer=str(self.tokenizer), size="tiny", family=family),
            corpus=CorpusConfig(dev_fraction=0.1, boilerplate=0),
            training=TrainingConfig(**{**usual, "checkpoint_steps": 3, "seed": 1, **options}),
        )
        output = self.scratch / name
        return run_pretrain([str(self.corpus)], config, output=output, watch=watch, resume=resume)

    def weights(self, result):
        # A digest: on CI, pytest explains how megabytes of bytes differ, and needs hours for it.
        return sha256_file(result.model / "model.safetensors")

    def losses(self, result):
        lines = (result.run / "log.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [event["loss"] for event in events if event["event"] == "stepped"]


# Contracts


def it_beats_its_baseline(member):
    # A generator that learns makes replaced tokens harder to tell: what is won is won slowly.
    steps, share = (300, 0.97) if member.name == "rtd" else (150, 0.9)
    result = member.train(max_steps=steps, batch_size=16, evaluation_steps=steps)
    assert result.dev["loss"] < share * result.dev["baseline"]["loss"], result.dev
    losses = member.losses(result)
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


def one_seed_is_one_result(member):
    one, same, other = (
        member.weights(member.train(name, seed=seed))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    assert one != other


def a_killed_run_ends_in_the_same_bits(member):
    expected = member.weights(member.train("whole"))
    for step in (5, 9):
        with pytest.raises(Killed):
            member.train("killed", watch=KilledAt(step), resume=True)
    assert not (member.scratch / "killed").exists()
    assert member.weights(member.train("killed", resume=True)) == expected


def its_folder_answers_and_opens_elsewhere(member):
    result = member.train()
    if member.name == "rtd":
        it_detects_as_elsewhere(result.model)
        return
    if member.name in ("nsp", "sop"):
        it_judges_pairs_as_elsewhere(result.model)
    found = load(result.model)
    if member.name == "clm":
        it_goes_on_with_texts_as_elsewhere(found, result.model)
    else:
        it_fills_gaps_as_elsewhere(found, result.model)


def it_fills_gaps_as_elsewhere(found, folder):
    import transformers

    assert found.task.name == "fill-mask"
    text = "the film was slow and [MASK] ."
    (answer,) = found.predict([text], top_k=3)
    assert len(answer.masks) == 1
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = found.task.tokenizer.with_masks().encode([text])[0]
    tokens = torch.tensor(found.task.tokenizer.wrap(ids))[None].long()
    with torch.no_grad():
        chances = theirs(tokens).logits.softmax(-1)[0]
    place = int((tokens[0] == found.task.mask_id).nonzero())
    best = chances[place].max().item()
    assert answer.masks[0][0].score == pytest.approx(best, abs=1e-5)


def it_judges_pairs_as_elsewhere(folder):
    import transformers

    theirs, info = transformers.AutoModelForPreTraining.from_pretrained(
        folder, output_loading_info=True
    )
    assert type(theirs).__name__ == "BertForPreTraining"
    assert not any(info.values()), info
    tokens, segments = [2, 9, 30, 3, 31, 12, 40, 3], [0, 0, 0, 0, 1, 1, 1, 1]
    model = checkpoint.load_sentences(folder)
    assert model.notes == ()
    with torch.no_grad():
        x = model.encoder(pack([tokens], [segments])).last
        ours = model.sentences(x[:1]), model.logits(model.predictions(x))
        expected = theirs.eval()(torch.tensor([tokens]), token_type_ids=torch.tensor([segments]))
    torch.testing.assert_close(ours[0], expected.seq_relationship_logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours[1], expected.prediction_logits[0], atol=1e-5, rtol=1e-5)


def it_detects_as_elsewhere(folder):
    import transformers
    from safetensors.torch import load_file

    theirs, info = transformers.AutoModelForPreTraining.from_pretrained(
        folder, output_loading_info=True
    )
    assert type(theirs).__name__ == "ElectraForPreTraining"
    assert not any(info.values()), info
    head = DetectionHead(128, torch.nn.GELU())
    weights = load_file(folder / "model.safetensors")
    with torch.no_grad():
        for name, ours in (("dense", head.dense), ("dense_prediction", head.output)):
            for kind in ("weight", "bias"):
                value = weights[f"discriminator_predictions.{name}.{kind}"]
                getattr(ours, kind).copy_(value)
        tokens = [2, 9, 30, 31, 12, 3]
        x = checkpoint.load_encoder(folder)(pack([tokens])).last
        expected = theirs.eval()(torch.tensor([tokens])).logits[0]
        torch.testing.assert_close(head(x), expected, atol=1e-5, rtol=1e-5)
    with pytest.raises(ModelFolderError, match="answers nothing yet"):
        load(folder)
    assert "new classification head" in checkpoint.load_classifier(folder, ["a", "b"]).notes[0]


def it_goes_on_with_texts_as_elsewhere(found, folder):
    import transformers

    assert found.task.name == "text-generation"
    (answer,) = found.predict(["the film was"], max_new_tokens=12)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ((example,),) = found.task.encode(found.records(["the film was"]))
    ids = example.tokens.tolist()
    tokens = theirs.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False)[0]
    assert found.task.tokenizer.decode(tokens[len(ids) :].tolist()) == answer.text
    assert answer.text


# Who breaks them


class Idle(Member):
    def train(self, name="model", **options):
        return super().train(name, **{**options, "learning_rate": 1e-12})


class Unseeded(Member):
    runs = 0

    def train(self, name="model", **options):
        Unseeded.runs += 1
        return super().train(name, **{**options, "seed": 100 + Unseeded.runs})


class Forgetful(Member):
    """Begins anew where it should go on."""

    def train(self, name="model", *, resume=False, **options):
        seed = 7 if resume and not options.get("watch") else 1
        fresh = name if not resume else f"{name}-{len(list(self.scratch.iterdir()))}"
        return super().train(fresh, **{**options, "seed": seed})


class Shuffled(Member):
    """Saves another model than it trained."""

    def train(self, name="model", **options):
        result = super().train(name, **options)
        other = super().train("other", **{**options, "seed": 5, "max_steps": 3})
        tokens = other.model / "model.safetensors"
        (result.model / "model.safetensors").write_bytes(tokens.read_bytes())
        return result


class Headless(Member):
    """Forgets the head over pairs."""

    def train(self, name="model", **options):
        from safetensors.torch import load_file, save_file

        result = super().train(name, **options)
        file = result.model / "model.safetensors"
        kept = {x: tensor for x, tensor in load_file(file).items() if "seq_relation" not in x}
        save_file(kept, file, metadata={"format": "pt"})
        return result


CONTRACTS = [
    it_beats_its_baseline,
    one_seed_is_one_result,
    a_killed_run_ends_in_the_same_bits,
    its_folder_answers_and_opens_elsewhere,
]
BREAKERS = [
    (it_beats_its_baseline, Idle),
    (one_seed_is_one_result, Unseeded),
    (a_killed_run_ends_in_the_same_bits, Forgetful),
    (its_folder_answers_and_opens_elsewhere, Shuffled),
]


@pytest.fixture
def made(corpus_file, tokenizer_folder, tmp_path):
    return lambda cls, name: cls(name, corpus_file, tokenizer_folder, tmp_path)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_contract(contract, name, made):
    contract(made(Member, name))


@pytest.mark.parametrize("name", ["mlm", "nsp", "sop"])
@pytest.mark.parametrize(("contract", "breaker"), BREAKERS, ids=lambda x: x.__name__)
def test_the_contract_is_broken_by(contract, breaker, name, made):
    with pytest.raises((AssertionError, ChangedFileError)):
        contract(made(breaker, name))


@pytest.mark.parametrize("name", ["nsp", "sop"])
def test_the_contract_is_broken_by_a_head_that_is_not_saved(name, made):
    with pytest.raises(AssertionError, match="seq_relationship"):
        its_folder_answers_and_opens_elsewhere(made(Headless, name))
