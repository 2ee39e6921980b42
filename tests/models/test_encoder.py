"""What the shared forward promises besides parity."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from glossator.errors import ModelFolderError
from glossator.models import checkpoint, families
from glossator.models.block import Block
from glossator.models.linear import Linear, Norm
from glossator.text.packing import pack


def test_parameters_stay_float32_and_products_are_in_the_compute_dtype(
    case, saved_by_referee, texts, segments
):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder).train()
    exact = model(pack(texts, segments)).detach()
    for module in model.modules():
        module.training = False
    model.encoder.compute_dtype = torch.bfloat16
    seen = set()
    for module in model.encoder.blocks.modules():
        if isinstance(module, Linear | Norm):
            module.register_forward_hook(
                lambda _, args, out: seen.update((args[0].dtype, out.dtype))
            )
    logits = model(pack(texts, segments))
    logits.square().sum().backward()
    assert seen == {torch.bfloat16}
    assert logits.dtype == torch.float32
    assert {x.dtype for x in model.parameters()} == {torch.float32}
    assert {x.grad.dtype for x in model.parameters()} == {torch.float32}
    assert exact.shape == logits.shape


def test_bfloat16_is_near(saved_by_referee, texts):
    folder, _ = saved_by_referee("bert")
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        exact = model(pack(texts))
        model.encoder.compute_dtype = torch.bfloat16
        near = model(pack(texts))
    assert 0 < (near - exact).abs().max() < 0.1 * exact.abs().max()


def test_the_word_table_takes_sparse_gradients(case, saved_by_referee, texts):
    folder, _ = saved_by_referee(case)
    dense, sparse = checkpoint.load_classifier(folder), checkpoint.load_classifier(folder)
    sparse.encoder.embeddings.words.sparse = True
    for model in (dense, sparse):
        model(pack(texts)).square().sum().backward()
    gradient = sparse.encoder.embeddings.words.weight.grad
    assert gradient.is_sparse
    expected = dense.encoder.embeddings.words.weight.grad
    torch.testing.assert_close(gradient.to_dense(), expected)


def test_every_parameter_has_a_gradient(case, saved_by_referee, texts, segments):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder).train()
    model(pack(texts, segments)).square().sum().backward()
    assert all(x.grad is not None for x in model.parameters())


def test_the_last_block_computes_only_what_is_read(saved_by_referee, texts):
    folder, _ = saved_by_referee("bert")
    model = checkpoint.load_classifier(folder)
    rows = []
    for block in model.encoder.blocks:
        block.feedforward.up.register_forward_hook(lambda _, args, out: rows.append(len(out)))
    model(pack(texts))
    total = sum(map(len, texts))
    assert rows == [total, total, len(texts)]


def test_plans_are_shared(saved_by_referee, texts, monkeypatch):
    """ModernBERT has two kinds of blocks; with the last one reading few rows, three plans."""
    folder, _ = saved_by_referee("modernbert")
    model = checkpoint.load_classifier(folder)
    plans = []
    forward = Block.forward

    def spy(self, x, plan, *rest):
        plans.append(plan)
        return forward(self, x, plan, *rest)

    monkeypatch.setattr(Block, "forward", spy)
    model(pack(texts))
    assert len(plans) == 4
    assert len({id(plan) for plan in plans}) == 3
    assert plans[1] is plans[2]


def test_dropout_is_on_in_training_alone(case, saved_by_referee, texts):
    folder, _ = saved_by_referee(case)
    model = checkpoint.load_classifier(folder)
    batch = pack(texts)
    assert torch.equal(model(batch), model(batch))
    if not case.startswith("modernbert"):  # its rates are 0
        model.train()
        assert not torch.equal(model(batch), model(batch))


def test_dropout_rates_are_the_family_s_own(saved_by_referee):
    fields = {"hidden_dropout_prob": 0.25, "attention_probs_dropout_prob": 0.125}
    head = checkpoint.load_classifier(saved_by_referee("roberta", **fields)[0]).head
    assert (head.dropout_in.p, head.dropout.p) == (0.25, 0.25)
    given = fields | {"classifier_dropout": 0.0}
    model = checkpoint.load_classifier(saved_by_referee("bert", **given)[0])
    assert (model.head.dropout_in.p, model.head.dropout.p) == (0.0, 0.0)
    block = model.encoder.blocks[0]
    assert (block.attention.dropout, block.attention_dropout.p) == (0.125, 0.25)
    folder, _ = saved_by_referee("distilbert", dropout=0.5, seq_classif_dropout=0.75)
    model = checkpoint.load_classifier(folder)
    block = model.encoder.blocks[0]
    rates = block.attention_dropout.p, block.feedforward_dropout.p, model.head.dropout.p
    assert rates == (0.0, 0.5, 0.75)


def test_longest_text(saved_by_referee):
    longest = {"bert": 40, "roberta": 38, "camembert": 36, "distilbert": 40, "modernbert": 64}
    for case, length in longest.items():
        encoder = checkpoint.load_encoder(saved_by_referee(case, "AutoModel")[0])
        assert encoder.max_length == length
        last = encoder(pack([[5] * length])).last
        assert last.shape == (length, encoder.width)
        if case != "modernbert":
            with pytest.raises(IndexError):
                encoder(pack([[5] * (length + 1)]))


def test_no_two_parameters_share_memory(case, saved_by_referee):
    model = checkpoint.load_classifier(saved_by_referee(case)[0])
    pointers = [x.untyped_storage().data_ptr() for x in model.parameters()]
    assert len(set(pointers)) == len(pointers)
    assert not any(isinstance(x, nn.Embedding) and x.padding_idx for x in model.modules())


def test_registry():
    for name in families.MODEL_TYPES:
        assert name in families.by_model_type(name).class_names
        assert families.by_model_type(name).is_decoder == (name in families.DECODERS)
    with pytest.raises(ModelFolderError, match="'llama' is not supported; expected one of bert,"):
        families.by_model_type("llama")


def test_configs_load_no_torch():
    names = ["bert", "distilbert", "electra", "modernbert", "roberta"]
    imports = ", ".join(f"glossator.models.families.{name}.config" for name in names)
    code = f"import sys, {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_does_not_import_the_compiler(tiny_model_folder):
    """torch imports it, for two seconds, when random numbers are drawn on the meta device."""
    code = (
        "import sys; from glossator.models import checkpoint; "
        "checkpoint.load_classifier(sys.argv[1], ['a', 'b']); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tiny_model_folder)]
    assert subprocess.run(command, check=False).returncode == 0
