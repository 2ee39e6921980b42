"""Token classifiers: what the referee computes, from its folders and from ours."""

from __future__ import annotations

import pytest
import torch
import transformers

from glossator.errors import ModelFolderError
from glossator.models import checkpoint, families
from glossator.text.packing import pack

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
AUTO = "AutoModelForTokenClassification"


def flat(padded, texts):
    return torch.cat([row[: len(text)] for row, text in zip(padded, texts, strict=True)])


def test_logits_of_a_folder_saved_by_the_referee(
    case, saved_by_referee, ask_referee, texts, segments
):
    folder, referee = saved_by_referee(case, AUTO)
    model = checkpoint.load_tagger(folder)
    batch = pack(texts, segments)
    expected = flat(ask_referee(referee, texts, segments).logits, texts)
    rows = torch.arange(1, len(batch.tokens), 3)
    with torch.no_grad():
        every, some = model(batch), model(batch, rows)
    assert model.notes == ()
    assert every.dtype == torch.float32
    torch.testing.assert_close(every, expected, **CLOSE)
    torch.testing.assert_close(some, expected[rows], **CLOSE)
    assert expected.std(0).min() > 0.01


def test_a_folder_that_we_saved_opens_in_the_referee(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case, "AutoModel")
    model = checkpoint.load_tagger(folder, ["O", "B-a", "I-a", "é"], seed=1)
    checkpoint.save(model, tmp_path / "ours")
    referee, info = transformers.AutoModelForTokenClassification.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    assert referee.config.id2label == {0: "O", 1: "B-a", 2: "I-a", 3: "é"}
    with torch.no_grad():
        logits = model(pack(texts, segments))
    expected = flat(ask_referee(referee, texts, segments).logits, texts)
    torch.testing.assert_close(logits, expected, **CLOSE)
    again = checkpoint.load_tagger(tmp_path / "ours")
    assert (again.labels, again.notes) == (model.labels, ())
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )


@pytest.mark.parametrize("name", ["bert", "electra-narrow", "modernbert"])
def test_gradients(name, saved_by_referee, ask_referee, texts):
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    fields = {} if name == "modernbert" else {**still, "classifier_dropout": 0.0}
    folder, referee = saved_by_referee(name, AUTO, **fields)
    model = checkpoint.load_tagger(folder).train()
    targets = torch.arange(sum(map(len, texts))) % 3
    torch.nn.functional.cross_entropy(model(pack(texts)), targets).backward()
    logits = flat(ask_referee(referee.train(), texts).logits, texts)
    torch.nn.functional.cross_entropy(logits, targets).backward()
    names = families.by_model_type(model.encoder.config.model_type).names
    ours = names.to_hf({name: x.grad for name, x in model.named_parameters()})
    theirs = {name: x.grad for name, x in referee.named_parameters()}
    assert ours.keys() == theirs.keys()
    for key, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[key], atol=1e-5, rtol=1e-4, msg=key)


@pytest.mark.parametrize("auto", ["AutoModel", "AutoModelForSequenceClassification"])
def test_a_folder_of_another_head_gets_a_new_one(auto, case, saved_by_referee):
    folder, _ = saved_by_referee(case, auto)
    model = checkpoint.load_tagger(folder, ["a", "b", "c"])
    assert "a new token classification head for 3 labels" in model.notes[0]
    assert not model.tagger.output.bias.any()
    with pytest.raises(ModelFolderError, match=r"no trained token classifier .* name the labels"):
        checkpoint.load_tagger(folder)


def test_labels_decide_whether_the_head_is_kept(case, saved_by_referee):
    folder, _ = saved_by_referee(case, AUTO, id2label={0: "x", 1: "y", 2: "z"})
    own = checkpoint.load_tagger(folder)
    same = checkpoint.load_tagger(folder, ["x", "y", "z"])
    assert own.labels == ("x", "y", "z")
    assert torch.equal(own.tagger.output.weight, same.tagger.output.weight)
    other = checkpoint.load_tagger(folder, ["x", "z", "y"])
    assert not torch.equal(own.tagger.output.weight, other.tagger.output.weight)
    assert "for the labels x, y, z, was dropped" in other.notes[0]


def test_new_heads_are_seeded(case, saved_by_referee):
    folder, _ = saved_by_referee(case, "AutoModel")
    a, b, c = (checkpoint.load_tagger(folder, ["a", "b"], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(a.tagger.output.weight, b.tagger.output.weight)
    assert not torch.equal(a.tagger.output.weight, c.tagger.output.weight)


def test_dropout_is_that_of_the_referee(case, saved_by_referee):
    folder, referee = saved_by_referee(case, AUTO)
    theirs = getattr(referee, "dropout", None) or referee.drop
    assert checkpoint.load_tagger(folder).tagger.dropout.p == theirs.p


def test_a_head_of_the_masked_language_model_is_begun_with(saved_by_referee):
    folder, referee = saved_by_referee("modernbert", "AutoModelForMaskedLM")
    tagger = checkpoint.load_tagger(folder, ["a", "b"]).tagger
    assert torch.equal(tagger.dense.weight, referee.head.dense.weight)
    assert torch.equal(tagger.norm.weight, referee.head.norm.weight)


def test_a_tagger_is_no_masked_language_head(case, saved_by_referee):
    folder, _ = saved_by_referee(case, AUTO)
    model = checkpoint.load_masked(folder)
    assert model.notes
    assert model.predictions.dense.weight.std() < 0.03


def test_decoders_are_refused(tmp_path):
    config = transformers.GPT2Config(vocab_size=61, n_embd=12, n_layer=1, n_head=2)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    with pytest.raises(ModelFolderError, match="is a decoder"):
        checkpoint.load_tagger(tmp_path, ["a", "b"])
