"""Finders of answers: what the referee computes, from its folders and from ours."""

from __future__ import annotations

import pytest
import torch
import transformers

from glossator.errors import ModelFolderError
from glossator.models import checkpoint
from glossator.text.packing import pack

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
AUTO = "AutoModelForQuestionAnswering"


def asked(referee, texts, segments):
    """(T, 2) the referee's logits, text by text: it knows no packing."""
    found = []
    for number, text in enumerate(texts):
        given = {"input_ids": torch.tensor([text])}
        if segments is not None:
            given["token_type_ids"] = torch.tensor([segments[number]])
        with torch.no_grad():
            out = referee.eval()(**given)
        found.append(torch.stack([out.start_logits[0], out.end_logits[0]], -1))
    return torch.cat(found)


def test_logits_of_a_folder_saved_by_the_referee(case, saved_by_referee, texts, segments):
    folder, referee = saved_by_referee(case, AUTO, num_labels=2)
    model = checkpoint.load_finder(folder)
    expected = asked(referee, texts, segments)
    with torch.no_grad():
        found = model(pack(texts, segments))
    assert (model.notes, found.dtype) == ((), torch.float32)
    torch.testing.assert_close(found, expected, **CLOSE)
    assert expected.std(0).min() > 0.01


def test_a_folder_that_we_saved_opens_in_the_referee(
    case, saved_by_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case, "AutoModel", num_labels=5)
    model = checkpoint.load_finder(folder, new=True, seed=1)
    assert model.notes == (f"a new question answering head was put on {folder.name}",)
    checkpoint.save(model, tmp_path / "ours")
    referee, info = transformers.AutoModelForQuestionAnswering.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    with torch.no_grad():
        found = model(pack(texts, segments))
    torch.testing.assert_close(found, asked(referee, texts, segments), **CLOSE)
    again = checkpoint.load_finder(tmp_path / "ours")
    pairs = zip(model.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("auto", ["AutoModel", "AutoModelForTokenClassification"])
def test_a_folder_of_another_head_gets_a_new_one_when_asked(auto, case, saved_by_referee):
    folder, _ = saved_by_referee(case, auto)
    with pytest.raises(ModelFolderError, match=r"no trained answer finder .*ForQuestionAnswering"):
        checkpoint.load_finder(folder)
    one, same, other = (checkpoint.load_finder(folder, new=True, seed=s) for s in (1, 1, 2))
    weights = [model.finder.output.weight for model in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_finder_opens_without_its_head(case, saved_by_referee):
    folder, _ = saved_by_referee(case, AUTO, num_labels=2)
    assert checkpoint.load_encoder(folder).config.model_type
    assert checkpoint.load_tagger(folder, ["a", "b"]).notes


def test_dropout_is_that_of_the_referee(case, saved_by_referee):
    folder, referee = saved_by_referee(case, AUTO, num_labels=2)
    theirs = getattr(referee, "dropout", None) or getattr(referee, "drop", None)
    expected = theirs.p if theirs else 0.0
    assert checkpoint.load_finder(folder).finder.dropout.p == expected
