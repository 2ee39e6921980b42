"""Every family computes what `transformers` computes, from its folders and from ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
import transformers

from glossator.models import checkpoint, families
from glossator.text.packing import pack

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
AUTO = transformers.AutoModelForSequenceClassification


def test_logits_of_a_folder_saved_by_the_referee(
    case, saved_by_referee, ask_referee, texts, segments
):
    folder, referee = saved_by_referee(case)
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        logits = model(pack(texts, segments))
    verdict = ask_referee(referee, texts, segments)
    torch.testing.assert_close(logits, verdict.logits, **CLOSE)
    assert verdict.logits.std(0).min() > 0.01, "the texts must differ for the test to mean much"


def test_hidden_states_and_maps(case, saved_by_referee, ask_referee, texts, segments):
    folder, referee = saved_by_referee(case, "AutoModel")
    encoder = checkpoint.load_encoder(folder)
    with torch.no_grad():
        output = encoder(pack(texts, segments), hidden_states=True, attention_maps=True)
    verdict = ask_referee(referee, texts, segments)
    assert len(output.hidden_states) == len(verdict.hidden_states)
    for ours, theirs in zip(output.hidden_states, verdict.hidden_states, strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE)
    assert torch.equal(output.last, output.hidden_states[-1])
    for ours, theirs in zip(output.attention_maps, verdict.attention_maps, strict=True):
        for map_, expected in zip(ours, theirs, strict=True):
            torch.testing.assert_close(map_, expected, **CLOSE)


def test_a_folder_that_we_saved_opens_in_the_referee(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder, ["a", "b", "c d", "é"], seed=1)
    checkpoint.save(model, tmp_path / "ours")
    referee, info = AUTO.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    assert referee.config.id2label == {0: "a", 1: "b", 2: "c d", 3: "é"}
    with torch.no_grad():
        logits = model(pack(texts, segments))
    torch.testing.assert_close(logits, ask_referee(referee, texts, segments).logits, **CLOSE)


def test_an_encoder_that_we_saved_opens_in_the_referee(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case)
    encoder = checkpoint.load_encoder(folder)
    checkpoint.save(encoder, tmp_path / "ours")
    referee, info = transformers.AutoModel.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert {name.split(".")[0] for name in info["missing_keys"]} <= {"pooler"}
    assert not info["unexpected_keys"]
    with torch.no_grad():
        last = encoder(pack(texts, segments)).last
    verdict = ask_referee(referee, texts, segments)
    torch.testing.assert_close(last, verdict.hidden_states[-1], **CLOSE)


def test_what_we_save_we_load(case, saved_by_referee, tmp_path):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder)
    checkpoint.save(model, tmp_path / "ours")
    again = checkpoint.load_classifier(tmp_path / "ours")
    assert (again.labels, again.problem_type, again.notes) == (model.labels, model.problem_type, ())
    before, after = model.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_reading_some_rows_is_reading_all(case, saved_by_referee, texts, segments):
    folder, _ = saved_by_referee(case, "AutoModel")
    encoder = checkpoint.load_encoder(folder)
    batch = pack(texts, segments)
    for rows in (batch.starts, torch.tensor([0, 3, 4, 30, 62]), torch.arange(len(batch.tokens))):
        with torch.no_grad():
            some, every = encoder(batch, read=rows).last, encoder(batch).last
        torch.testing.assert_close(some, every[rows], **CLOSE)


def test_a_text_means_the_same_alone_and_in_a_batch(case, saved_by_referee, texts, segments):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        together = model(pack(texts, segments))
        alone = [
            model(pack([text], None if segments is None else [segments[i]]))
            for i, text in enumerate(texts)
        ]
    torch.testing.assert_close(together, torch.cat(alone), **CLOSE)


def test_pairs(case, saved_by_referee, ask_referee, texts, segments):
    """Families without segments, or with one, read both texts of a pair alike."""
    folder, referee = saved_by_referee(case)
    pairs = [[int(3 * i >= len(text)) for i in range(len(text))] for text in texts]
    told = None if segments is None else pairs
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        logits, apart = model(pack(texts, pairs)), model(pack(texts))
    torch.testing.assert_close(logits, ask_referee(referee, texts, told).logits, **CLOSE)
    assert torch.equal(logits, apart) == (segments is None)


def test_pairs_of_a_roberta_that_tells_them_apart(saved_by_referee, ask_referee, texts):
    folder, referee = saved_by_referee("roberta", type_vocab_size=2)
    pairs = [[int(3 * i >= len(text)) for i in range(len(text))] for text in texts]
    with torch.no_grad():
        logits = checkpoint.load_classifier(folder)(pack(texts, pairs))
    torch.testing.assert_close(logits, ask_referee(referee, texts, pairs).logits, **CLOSE)


@pytest.mark.parametrize("labels", [1, 2, 7])
def test_number_of_labels(labels, saved_by_referee, ask_referee, texts):
    folder, referee = saved_by_referee("bert", num_labels=labels)
    model = checkpoint.load_classifier(folder)
    assert model.labels == tuple(f"LABEL_{i}" for i in range(labels))
    with torch.no_grad():
        logits = model(pack(texts))
    assert logits.shape == (len(texts), labels)
    torch.testing.assert_close(logits, ask_referee(referee, texts).logits, **CLOSE)


NO_DROPOUT = {
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "classifier_dropout": 0.0,
}


@pytest.mark.parametrize(
    ("name", "fields"), [("bert", NO_DROPOUT), ("roberta", NO_DROPOUT), ("modernbert-mean", {})]
)
def test_gradients(name, fields, saved_by_referee, ask_referee, texts):
    folder, referee = saved_by_referee(name, **fields)
    model = checkpoint.load_classifier(folder).train()
    classes = torch.tensor([0, 1, 2, 0, 1, 2])
    torch.nn.functional.cross_entropy(model(pack(texts)), classes).backward()
    logits = ask_referee(referee.train(), texts).logits
    torch.nn.functional.cross_entropy(logits, classes).backward()
    _assert_same_gradients(model, referee)


def _assert_same_gradients(model, referee):
    names = families.by_model_type(model.encoder.config.model_type).names
    ours = names.to_hf({name: x.grad for name, x in model.named_parameters()})
    theirs = {name: x.grad for name, x in referee.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        assert gradient.abs().max() > 0 or "key.bias" in name, name
        torch.testing.assert_close(gradient, theirs[name], atol=1e-5, rtol=1e-4, msg=name)


def test_minilm(minilm_folder: Path, ask_referee):
    referee = transformers.AutoModel.from_pretrained(minilm_folder, attn_implementation="eager")
    generator = torch.Generator().manual_seed(0)
    texts = [
        [101, *torch.randint(1000, 30000, (size,), generator=generator).tolist(), 102]
        for size in (3, 90, 17, 40)
    ]
    encoder = checkpoint.load_encoder(minilm_folder)
    with torch.no_grad():
        output = encoder(pack(texts), hidden_states=True)
    for ours, theirs in zip(
        output.hidden_states, ask_referee(referee, texts).hidden_states, strict=True
    ):
        torch.testing.assert_close(ours, theirs, **CLOSE)


def test_the_comparison_would_see_a_wrong_window(saved_by_referee, ask_referee, texts):
    """Positive control: a window that is one too narrow is not within 1e-5."""
    folder, referee = saved_by_referee("modernbert", "AutoModel")
    encoder = checkpoint.load_encoder(folder)
    for block in encoder.blocks:
        if block.kind.window is not None:
            block.kind = dataclasses.replace(block.kind, window=block.kind.window - 1)
    with torch.no_grad():
        last = encoder(pack(texts)).last
    expected = ask_referee(referee, texts).hidden_states[-1]
    assert (last - expected).abs().max() > 1e-3
