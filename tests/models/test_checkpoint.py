"""What may lie in a model folder: other heads, shards, half precision, old names, wrong things."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from glossator.errors import ModelFolderError
from glossator.models import checkpoint
from glossator.text.packing import pack


def rewrite(folder: Path, change) -> None:
    """Change the tensors of a folder: `change` takes and gives back a dict of them."""
    tensors = change(load_file(folder / "model.safetensors"))
    save_file({k: v.clone() for k, v in tensors.items()}, folder / "model.safetensors")


def reconfigure(folder: Path, **fields: object) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8")) | fields
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


def same_parameters(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


@pytest.mark.parametrize(
    "auto",
    [
        "AutoModelForMaskedLM",
        "AutoModelForPreTraining",
        "AutoModelForQuestionAnswering",
        "AutoModelForTokenClassification",
    ],
)
def test_an_encoder_under_another_head(auto, case, saved_by_referee, ask_referee, texts):
    if auto == "AutoModelForPreTraining" and case.split("-")[0] not in ("bert", "electra"):
        pytest.skip("for this family it is the masked language model")
    folder, referee = saved_by_referee(case, auto, num_labels=2)
    with torch.no_grad():
        last = checkpoint.load_encoder(folder)(pack(texts)).last
    base = getattr(referee, referee.base_model_prefix)
    expected = ask_referee(base, texts).hidden_states[-1]
    torch.testing.assert_close(last, expected, atol=1e-5, rtol=1e-5)
    model = checkpoint.load_classifier(folder, ["no", "yes"])
    assert "new classification head for 2 labels" in model.notes[0]
    with pytest.raises(ModelFolderError, match=r"no trained classifier .* name the labels"):
        checkpoint.load_classifier(folder)


def test_the_pretrained_part_of_a_head_is_kept(saved_by_referee):
    folder, referee = saved_by_referee("bert", "AutoModel")
    head = checkpoint.load_classifier(folder, ["a", "b"]).head
    assert torch.equal(head.dense.weight, referee.pooler.dense.weight)
    folder, referee = saved_by_referee("modernbert", "AutoModelForMaskedLM")
    head = checkpoint.load_classifier(folder, ["a", "b"]).head
    assert torch.equal(head.dense.weight, referee.head.dense.weight)
    assert torch.equal(head.norm.weight, referee.head.norm.weight)


def test_labels_decide_whether_the_head_is_kept(saved_by_referee):
    fields = {"id2label": {0: "x", 1: "y", 2: "z"}, "problem_type": "multi_label_classification"}
    folder, _ = saved_by_referee("roberta", **fields)
    own = checkpoint.load_classifier(folder)
    assert own.labels == ("x", "y", "z")
    assert own.problem_type == "multi_label_classification"
    assert own.notes == ()
    assert same_parameters(own, checkpoint.load_classifier(folder, ["x", "y", "z"]))
    other = checkpoint.load_classifier(folder, ["x", "z", "y"])
    assert not same_parameters(own, other)
    assert "for the labels x, y, z, was dropped" in other.notes[0]
    assert other.problem_type == "single_label_classification"


def test_new_heads_are_seeded_and_scaled(saved_by_referee):
    folder, _ = saved_by_referee("distilbert", "AutoModel", dim=96, initializer_range=0.5)
    labels = [str(i) for i in range(40)]
    a, b, c = (checkpoint.load_classifier(folder, labels, seed=seed) for seed in (1, 1, 2))
    assert same_parameters(a, b)
    assert not same_parameters(a, c)
    for part in (a.head.dense, a.head.output):
        assert part.weight.std().item() == pytest.approx(0.5, rel=0.05)
        assert not part.bias.any()
    assert same_parameters(a.encoder, c.encoder)


def test_loading_leaves_the_generator_of_torch_alone(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel")
    before = torch.get_rng_state()
    checkpoint.load_classifier(folder, ["a", "b"])
    assert torch.equal(before, torch.get_rng_state())


def test_shards(saved_by_referee, tmp_path):
    folder, referee = saved_by_referee("modernbert")
    referee.save_pretrained(tmp_path / "shards", max_shard_size="4KB")
    assert not (tmp_path / "shards/model.safetensors").exists()
    assert same_parameters(
        checkpoint.load_classifier(tmp_path / "shards"), checkpoint.load_classifier(folder)
    )
    next((tmp_path / "shards").glob("*-00002-*")).unlink()
    with pytest.raises(ModelFolderError, match="00002"):
        checkpoint.load_classifier(tmp_path / "shards")


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a\\b", "", "x\x00"])
def test_shards_stay_inside_the_folder(name, saved_by_referee):
    folder, _ = saved_by_referee("bert")
    shutil.copy(folder / "model.safetensors", folder.parent / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = load_file(folder.parent / "model.safetensors")
    index = {"weight_map": dict.fromkeys(names, name)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelFolderError, match="unsafe file name"):
        checkpoint.load_classifier(folder)


@pytest.mark.parametrize("weight_map", [None, [], {"a": 1}, {"a": ["b"]}])
def test_malformed_index(weight_map, saved_by_referee):
    folder, _ = saved_by_referee("bert")
    (folder / "model.safetensors").unlink()
    text = json.dumps({"weight_map": weight_map})
    (folder / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ModelFolderError, match="weight_map"):
        checkpoint.load_encoder(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(dtype, saved_by_referee):
    folder, _ = saved_by_referee("electra-narrow")
    expected = checkpoint.load_classifier(folder)
    rewrite(folder, lambda tensors: {name: x.to(dtype) for name, x in tensors.items()})
    model = checkpoint.load_classifier(folder)
    assert {x.dtype for x in model.parameters()} == {torch.float32}
    for ours, exact in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, exact.to(dtype).float())


def test_integers_are_no_weights(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    rewrite(folder, lambda tensors: {name: x.to(torch.int8) for name, x in tensors.items()})
    with pytest.raises(ModelFolderError, match=r"has dtype I8; expected one of F32"):
        checkpoint.load_classifier(folder)


def test_old_names_and_old_buffers(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModelForPreTraining")
    expected = checkpoint.load_encoder(folder)

    def age(tensors):
        old = {
            name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): x
            for name, x in tensors.items()
        }
        return old | {"bert.embeddings.position_ids": torch.arange(40)[None]}

    rewrite(folder, age)
    assert same_parameters(checkpoint.load_encoder(folder), expected)


def test_the_prefix_may_be_missing(case, saved_by_referee):
    folder, referee = saved_by_referee(case)
    expected = checkpoint.load_classifier(folder)
    prefix = referee.base_model_prefix + "."
    rewrite(folder, lambda tensors: {n.removeprefix(prefix): x for n, x in tensors.items()})
    assert same_parameters(checkpoint.load_classifier(folder), expected)


def test_one_tensor_under_two_names(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    name = "embeddings.LayerNorm.weight"
    rewrite(folder, lambda tensors: tensors | {name: tensors[f"bert.{name}"]})
    with pytest.raises(ModelFolderError, match="they are one tensor"):
        checkpoint.load_encoder(folder)


def test_missing_tensor(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    name = "bert.encoder.layer.1.output.dense.bias"
    rewrite(folder, lambda tensors: {n: x for n, x in tensors.items() if n != name})
    with pytest.raises(ModelFolderError, match=rf"model.safetensors: has no tensor {name}"):
        checkpoint.load_classifier(folder)


def test_missing_head_is_missed_only_where_it_is_wanted(saved_by_referee):
    folder, _ = saved_by_referee("roberta")
    name = "classifier.dense.bias"
    rewrite(folder, lambda tensors: {n: x for n, x in tensors.items() if n != name})
    with pytest.raises(ModelFolderError, match=name):
        checkpoint.load_classifier(folder)
    assert not checkpoint.load_classifier(folder, ["a", "b"]).head.dense.bias.any()


def test_unexpected_tensor(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    name = "bert.encoder.layer.0.attention.self.lora_A.weight"
    rewrite(folder, lambda tensors: tensors | {name: torch.ones(2)})
    with pytest.raises(ModelFolderError, match=rf"unexpected tensor {name} \(1 in all\)"):
        checkpoint.load_classifier(folder)


def test_more_layers_in_the_file_than_in_the_config(saved_by_referee):
    """The names are of the family, so only counting the layers finds it."""
    folder, _ = saved_by_referee("bert")
    reconfigure(folder, num_hidden_layers=2)
    with pytest.raises(ModelFolderError, match=r"layer\.2\."):
        checkpoint.load_encoder(folder)


def test_wrong_shape(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    reconfigure(folder, vocab_size=99)
    expected = r"word_embeddings.weight has shape \(61, 15\); expected \(99, 15\)"
    with pytest.raises(ModelFolderError, match=expected):
        checkpoint.load_encoder(folder)


def test_a_pickle_is_refused_with_a_command_that_works(saved_by_referee, tmp_path):
    made, _ = saved_by_referee("bert")
    folder = tmp_path / "it's a folder"
    shutil.copytree(made, folder)
    expected = checkpoint.load_classifier(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match="pickled") as caught:
        checkpoint.load_classifier(folder)
    words = shlex.split(caught.value.message.partition("if you trust it: ")[2])
    assert words[:2] == ["python", "-c"]
    exec(words[2])
    assert same_parameters(checkpoint.load_classifier(folder), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pytorch_model-00001-of-00002.bin", "BertForSequenceClassification"),
        ("tf_model.h5", "from_tf=True"),
        ("flax_model.msgpack", "from_flax=True"),
        ("bert_model.ckpt.index", "bert_model.ckpt.index"),
        ("weights.pt", "torch.load"),
    ],
)
def test_other_weights_are_refused(name, expected, saved_by_referee):
    folder, _ = saved_by_referee("bert")
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ModelFolderError, match=f"{name} holds .*python -c.*{expected}"):
        checkpoint.load_encoder(folder)


def test_the_command_carries_no_code_from_the_config(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    reconfigure(folder, architectures=["BertModel; import os"])
    with pytest.raises(ModelFolderError, match="import AutoModel as") as caught:
        checkpoint.load_encoder(folder)
    assert "import os" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model_type": "bart"}, r"'bart' is not supported; expected one of bert, camembert"),
        ({"model_type": "robert"}, "did you mean 'roberta'"),
        ({"model_type": ["bert"]}, "is not supported"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"add_cross_attention": True}, "add_cross_attention"),
        ({"position_embedding_type": "relative_key"}, "relative_key"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
        ({"hidden_act": "gelu_neu"}, r"gelu_neu.*expected one of gelu, .*did you mean 'gelu_new'"),
        ({"num_attention_heads": 4}, "4 attention heads do not divide a hidden size of 15"),
        ({"hidden_size": "15"}, "hidden_size is '15'; expected int from 1"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"hidden_size": 0}, "hidden_size is 0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ({"vocab_size": 2**40}, "vocab_size"),
        ({"layer_norm_eps": -1.0}, "layer_norm_eps is -1.0; expected float of 0 or more"),
    ],
)
def test_configs_that_are_refused(fields, expected, saved_by_referee):
    folder, _ = saved_by_referee("bert")
    reconfigure(folder, **fields)
    with pytest.raises(ModelFolderError, match=expected) as caught:
        checkpoint.load_encoder(folder)
    assert caught.value.file == str(folder / "config.json")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"layer_types": ["full_attention"]}, "1 entries; expected num_hidden_layers, 4"),
        ({"layer_types": ["full"] * 4}, "expected one of full_attention, sliding_attention"),
        ({"classifier_pooling": "max"}, "expected one of cls, mean"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "rope_type is 'yarn'"),
        ({"rope_parameters": [1]}, "rope_parameters"),
        ({"num_attention_heads": 2}, "an even width"),
    ],
)
def test_modernbert_configs_that_are_refused(fields, expected, saved_by_referee):
    folder, _ = saved_by_referee("modernbert")
    reconfigure(folder, **fields)
    with pytest.raises(ModelFolderError, match=expected):
        checkpoint.load_encoder(folder)


def test_the_modernbert_config_of_transformers_4(saved_by_referee, ask_referee, texts):
    """Before version 5 the pattern of layers and the two bases were fields of their own."""
    folder, referee = saved_by_referee("modernbert", "AutoModel")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    del config["layer_types"], config["rope_parameters"]
    config |= {"global_attn_every_n_layers": 3, "global_rope_theta": 160000.0}
    (folder / "config.json").write_text(json.dumps(config | {"local_rope_theta": 10000.0}))
    with torch.no_grad():
        last = checkpoint.load_encoder(folder)(pack(texts)).last
    expected = ask_referee(referee, texts).hidden_states[-1]
    torch.testing.assert_close(last, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "id2label", [{"0": "a", "2": "b"}, {"0": "a", "1": "a"}, ["a", "b"], "ab", 3, {"x": "y"}]
)
def test_label_names_that_are_refused(id2label, saved_by_referee):
    folder, _ = saved_by_referee("bert", num_labels=2)
    reconfigure(folder, id2label=id2label)
    with pytest.raises(ModelFolderError, match="id2label"):
        checkpoint.load_classifier(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"a": NaN}', b"[" * 10**5])
def test_configs_that_are_no_json_object(content, saved_by_referee):
    folder, _ = saved_by_referee("bert")
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"config\.json"):
        checkpoint.load_encoder(folder)


def test_folders_that_are_none(tmp_path, saved_by_referee):
    with pytest.raises(ModelFolderError, match="nowhere is not a folder"):
        checkpoint.load_encoder(tmp_path / "nowhere")
    with pytest.raises(ModelFolderError, match=r"has no config\.json"):
        checkpoint.load_encoder(tmp_path)
    folder, _ = saved_by_referee("bert")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"has no model\.safetensors and no"):
        checkpoint.load_encoder(folder)


def test_saving_keeps_what_is_true_and_drops_what_is_not(saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert")
    reconfigure(folder, torch_dtype="float16", auto_map={"AutoModel": "x.Y"}, note="\ud800")
    checkpoint.save(checkpoint.load_classifier(folder, ["a", "b"]), tmp_path / "ours")
    config = json.loads((tmp_path / "ours/config.json").read_text("utf-8"))
    assert config["note"] == "\ud800", "odd, but not ours to lose"
    assert config["dtype"] == "float32"
    assert config["id2label"] == {"0": "a", "1": "b"}
    assert config["label2id"] == {"a": 0, "b": 1}
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert not {"torch_dtype", "auto_map", "transformers_version"} & config.keys()
    checkpoint.save(checkpoint.load_encoder(tmp_path / "ours"), tmp_path / "encoder")
    config = json.loads((tmp_path / "encoder/config.json").read_text("utf-8"))
    assert config["architectures"] == ["BertModel"]
    assert "id2label" not in config


def test_saving_over_the_folder_that_was_loaded(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        model.head.output.bias += 1
    checkpoint.save(model, folder)
    assert same_parameters(checkpoint.load_classifier(folder), model)


def test_changing_a_model_never_reaches_the_file(saved_by_referee):
    folder, _ = saved_by_referee("bert")
    before = (folder / "model.safetensors").read_bytes()
    model = checkpoint.load_classifier(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    assert (folder / "model.safetensors").read_bytes() == before
