"""Masked language models: what the referee computes, from its folders and from ours."""

from __future__ import annotations

import pytest
import torch
import transformers

from glossator.errors import ModelFolderError
from glossator.models import checkpoint, new_models
from glossator.models.linear_loss import linear_cross_entropy, linear_scores
from glossator.text.packing import pack

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
AUTO = "AutoModelForMaskedLM"


def test_logits_of_a_folder_saved_by_the_referee(
    case, saved_by_referee, ask_referee, texts, segments
):
    folder, referee = saved_by_referee(case, AUTO)
    model = checkpoint.load_masked(folder)
    batch = pack(texts, segments)
    read = torch.arange(0, len(batch.tokens), 3)
    with torch.no_grad():
        logits = model(batch, read)
    expected = _flat(ask_referee(referee, texts, segments).logits, texts)[read]
    assert model.notes == ()
    torch.testing.assert_close(logits, expected, **CLOSE)
    assert expected.std(0).min() > 1e-4


def test_a_folder_that_we_saved_opens_in_the_referee(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case, AUTO)
    model = checkpoint.load_masked(folder)
    checkpoint.save(model, tmp_path / "ours")
    referee, info = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    batch = pack(texts, segments)
    with torch.no_grad():
        logits = model(batch, torch.arange(len(batch.tokens)))
    expected = _flat(ask_referee(referee, texts, segments).logits, texts)
    torch.testing.assert_close(logits, expected, **CLOSE)


def test_an_encoder_gets_a_new_head_and_says_so(case, saved_by_referee):
    folder, _ = saved_by_referee(case, "AutoModel")
    first, again = checkpoint.load_masked(folder, seed=1), checkpoint.load_masked(folder, seed=1)
    assert "new masked-language head" in first.notes[0]
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_classifiers_dense_layer_is_no_masked_language_head(case, saved_by_referee):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_masked(folder, seed=1)
    assert model.notes
    assert model.predictions.dense.weight.std() < 0.03


def test_a_new_model_has_the_deviation_of_its_config(case, saved_by_referee):
    folder, _ = saved_by_referee(case, AUTO)
    config = checkpoint.load_masked(folder).encoder.config
    model = new_models.new_masked(config, seed=3)
    assert abs(model.output_weight.std() / config.initializer_range - 1) < 0.1
    assert model.predictions.norm.weight.eq(1).all()


def test_an_output_layer_of_its_own_is_refused(case, saved_by_referee):
    folder, _ = saved_by_referee(case, AUTO)
    file = folder / "config.json"
    text = file.read_text().rstrip().removesuffix("}") + ', "tie_word_embeddings": false}'
    file.write_text(text)
    with pytest.raises(ModelFolderError, match="tie_word_embeddings"):
        checkpoint.load_masked(folder)


def _flat(padded, texts):
    return torch.cat([row[: len(text)] for row, text in zip(padded, texts, strict=True)])


@pytest.mark.parametrize("biased", [True, False])
def test_the_loss_is_that_of_torch_with_its_gradients(biased, monkeypatch):
    monkeypatch.setattr("glossator.models.linear_loss._CHUNK", 100)  # two rows at a time
    torch.manual_seed(0)
    x, weight, bias = torch.randn(9, 5), torch.randn(50, 5), torch.randn(50)
    targets = torch.randint(0, 50, (9,))
    wanted = [x, weight, *([bias] if biased else [])]
    for tensor in wanted:
        tensor.requires_grad_()
    ours = linear_cross_entropy(x, weight, bias if biased else None, targets)
    logits = torch.nn.functional.linear(x, weight, bias if biased else None)
    theirs = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(ours, theirs.sum())
    for factor in (1.0, 0.3):
        a = torch.autograd.grad(ours * factor, wanted, retain_graph=True)
        b = torch.autograd.grad(theirs.sum() * factor, wanted, retain_graph=True)
        for left, right in zip(a, b, strict=True):
            torch.testing.assert_close(left, right, atol=1e-6, rtol=1e-5)
    with torch.no_grad():
        bias_ = bias if biased else None
        torch.testing.assert_close(linear_cross_entropy(x, weight, bias_, targets), theirs.sum())
        losses, hits = linear_scores(x, weight, bias_, targets)
    torch.testing.assert_close(losses, theirs.detach())
    assert hits.tolist() == (logits.argmax(-1) == targets).tolist()


def test_a_new_model_expects_what_occurs(tiny_model_folder):
    model = checkpoint.load_masked(tiny_model_folder, seed=1)
    chances = torch.rand(len(model.output_weight), dtype=torch.float64).softmax(0)
    model.expect(chances)
    assert model.output_bias is not None
    torch.testing.assert_close(model.output_bias.exp(), chances.float())
