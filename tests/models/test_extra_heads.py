"""Heads that no class of Hugging Face reads, in a file of their own."""

from __future__ import annotations

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from glossator.errors import ModelFolderError
from glossator.models import checkpoint
from glossator.models.extra_heads import load_extra
from glossator.models.headless import EncoderModel
from glossator.models.linear import Linear
from glossator.text.packing import pack

FILE = "heads.safetensors"


class Transitions(nn.Module):
    """Begins as it likes, and has a table that is no parameter."""

    def __init__(self, labels: int):
        super().__init__()
        self.scores = nn.Parameter(torch.empty(labels, labels))
        self.first = nn.Parameter(torch.empty(labels))
        self.register_buffer("allowed", torch.ones(labels, labels).tril())

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.scores, -0.1, 0.1)
        nn.init.zeros_(self.first)


def crf(config):
    return Transitions(3)


def span(config):
    return Linear(config.hidden_size, 2)


class Plain(nn.Module):
    """Has no `reset_parameters`."""

    def __init__(self, width: int):
        super().__init__()
        self.map = Linear(width, 400)


LOADS = {
    "tagger": lambda folder, **options: checkpoint.load_tagger(folder, list("abc"), **options),
    "classifier": lambda folder, **options: checkpoint.load_classifier(
        folder, list("abc"), **options
    ),
    "headless": checkpoint.load_headless,
}
AUTOS = {
    "tagger": transformers.AutoModelForTokenClassification,
    "classifier": transformers.AutoModelForSequenceClassification,
    "headless": transformers.AutoModel,
}


@pytest.fixture(params=LOADS)
def kind(request):
    return request.param


def same(a: nn.Module, b: nn.Module) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[x], second[x]) for x in first)


def test_they_come_back_and_the_referee_leaves_them_alone(kind, case, saved_by_referee, tmp_path):
    folder, _ = saved_by_referee(case, "AutoModel")
    model = LOADS[kind](folder, extra={"crf": crf, "span": span}, seed=3)
    assert [x for x in model.notes if "a new head" in x] == [
        f"a new head {name} was put on {folder.name}" for name in ("crf", "span")
    ]
    assert not model.training
    assert not model.extra["crf"].training
    with torch.no_grad():
        model.extra["crf"].scores += 1
    checkpoint.save(model, tmp_path / "ours")
    names = load_file(tmp_path / "ours" / FILE).keys()
    assert names == {"heads.crf.scores", "heads.crf.first", "heads.span.weight", "heads.span.bias"}
    again = LOADS[kind](tmp_path / "ours", extra={"span": span, "crf": crf})
    assert again.notes == ()
    assert same(again, model)
    _, info = AUTOS[kind].from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert {x.split(".")[0] for x in info["missing_keys"]} <= {"pooler"}
    assert not info["unexpected_keys"]


def test_a_model_without_any_leaves_no_file(kind, saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert", "AutoModel")
    checkpoint.save(LOADS[kind](folder, extra={"crf": crf}), tmp_path / "ours")
    plain = LOADS[kind](tmp_path / "ours")
    assert len(plain.extra) == 0
    assert plain.notes == ()
    checkpoint.save(plain, tmp_path / "ours")
    assert not (tmp_path / "ours" / FILE).exists()


def test_states_of_a_headless_model_are_those_of_its_encoder(saved_by_referee, texts):
    folder, _ = saved_by_referee("modernbert", "AutoModel")
    model = checkpoint.load_headless(folder)
    assert isinstance(model, EncoderModel)
    batch = pack(texts)
    with torch.no_grad():
        expected = model.encoder(batch).last
        assert torch.equal(model(batch), expected)
        torch.testing.assert_close(model(batch, batch.starts), expected[batch.starts])


def test_new_ones_are_seeded_and_torch_is_left_alone(kind, saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel", initializer_range=0.5)
    extra = {"crf": crf, "plain": lambda config: Plain(config.hidden_size)}
    before = torch.get_rng_state()
    a, b, c = (LOADS[kind](folder, extra=extra, seed=seed).extra for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert same(a, b)
    assert not torch.equal(a["crf"].scores, c["crf"].scores)
    assert 0 < a["crf"].scores.abs().max() <= 0.1
    assert a["plain"].map.weight.std().item() == pytest.approx(0.5, rel=0.05)
    assert not a["plain"].map.bias.any()
    assert torch.equal(a["crf"].allowed, torch.ones(3, 3).tril())


def test_under_other_labels_they_are_new(saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert", "AutoModel")
    model = checkpoint.load_tagger(folder, ["a", "b", "c"], extra={"crf": crf})
    checkpoint.save(model, tmp_path / "ours")
    other = checkpoint.load_tagger(
        tmp_path / "ours", ["a", "b"], extra={"crf": lambda config: Transitions(2)}
    )
    assert len(other.notes) == 2
    assert other.extra["crf"].scores.shape == (2, 2)


def test_a_head_without_parameters_is_not_said_to_be_new(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel")
    model = checkpoint.load_headless(folder, extra={"idle": lambda config: nn.Tanh()})
    assert model.notes == ()


def test_they_are_trained_like_others(saved_by_referee, texts):
    folder, _ = saved_by_referee("bert", "AutoModel")
    model = checkpoint.load_headless(folder, extra={"span": span}).train()
    assert {"extra.span.weight", "extra.span.bias"} <= {x for x, _ in model.named_parameters()}
    model.extra["span"](model(pack(texts))).pow(2).mean().backward()
    assert all(x.grad is not None for x in model.parameters())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: {"heads.crf.scores": x["heads.crf.scores"]}, "no tensor heads.crf.first"),
        (lambda x: x | {"heads.crf.more": torch.ones(1)}, "unexpected tensor heads.crf.more"),
        (lambda x: x | {"heads.crf.first": torch.ones(4)}, r"has shape \(4,\); expected \(3,\)"),
        (lambda x: x | {"heads.crf.first": torch.ones(3).int()}, "has dtype I32"),
        (None, "not a whole safetensors file"),
    ],
)
def test_files_that_are_refused(change, expected, saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert", "AutoModel")
    checkpoint.save(checkpoint.load_headless(folder, extra={"crf": crf}), tmp_path / "ours")
    file = tmp_path / "ours" / FILE
    if change is None:
        file.write_bytes(file.read_bytes()[:-3])
    else:
        save_file({name: x.clone() for name, x in change(load_file(file)).items()}, file)
    with pytest.raises(ModelFolderError, match=expected) as caught:
        checkpoint.load_headless(tmp_path / "ours", extra={"crf": crf})
    assert caught.value.file == str(file)
    assert len(checkpoint.load_headless(tmp_path / "ours").extra) == 0


def test_a_name_that_begins_like_another_is_another(saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert", "AutoModel")
    checkpoint.save(checkpoint.load_headless(folder, extra={"crf2": crf}), tmp_path / "ours")
    config = checkpoint.load_encoder(folder).config
    _, new = load_extra(tmp_path / "ours", config, {"crf": crf, "crf2": crf}, seed=0)
    assert new == ["crf"]


def test_none_begins_as_a_copy_of_the_models_own(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel")
    extra = {"plain": lambda config: nn.Sequential(Linear(config.hidden_size, 3))}
    model = checkpoint.load_tagger(folder, ["a", "b", "c"], extra=extra)
    assert model.extra["plain"][0].weight.std() > 0
    assert not torch.equal(model.extra["plain"][0].weight, model.tagger.output.weight)
