"""One label a text, several, or a number: what a folder says and what is asked for."""

from __future__ import annotations

import json
from typing import get_args

import pytest
import torch
import transformers

from glossator.errors import ModelFolderError
from glossator.models import checkpoint
from glossator.models.heads import ProblemType
from glossator.text.packing import pack

AUTO = transformers.AutoModelForSequenceClassification
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def test_a_regression_gives_the_number_of_the_referee(
    case, saved_by_referee, ask_referee, texts, segments, tmp_path
):
    folder, _ = saved_by_referee(case, "AutoModel")
    model = checkpoint.load_classifier(folder, problem_type="regression")
    assert (model.labels, model.problem_type) == (("LABEL_0",), "regression")
    assert "for 1 label was" in model.notes[0]
    checkpoint.save(model, tmp_path / "ours")
    referee, info = AUTO.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    assert referee.config.num_labels == 1
    assert referee.config.problem_type == "regression"
    assert referee.config.id2label == {0: "LABEL_0"}
    with torch.no_grad():
        numbers = model(pack(texts, segments))
    assert numbers.shape == (len(texts), 1)
    torch.testing.assert_close(numbers, ask_referee(referee, texts, segments).logits, **CLOSE)
    again = checkpoint.load_classifier(tmp_path / "ours", problem_type="regression")
    assert again.notes == ()
    assert torch.equal(again.head.output.weight, model.head.output.weight)


@pytest.mark.parametrize("problem", get_args(ProblemType))
def test_what_was_saved_is_what_comes_back(problem, saved_by_referee, tmp_path):
    folder, _ = saved_by_referee("bert", "AutoModel")
    labels = None if problem == "regression" else ["a", "b"]
    model = checkpoint.load_classifier(folder, labels, problem_type=problem)
    checkpoint.save(model, tmp_path / "ours")
    assert json.loads((tmp_path / "ours/config.json").read_text())["problem_type"] == problem
    for asked in (None, problem):
        again = checkpoint.load_classifier(tmp_path / "ours", problem_type=asked)
        assert (again.labels, again.problem_type, again.notes) == (model.labels, problem, ())


@pytest.mark.parametrize("labels", [None, ["a", "b"]])
def test_another_problem_gets_a_new_head(labels, saved_by_referee):
    folder, _ = saved_by_referee("roberta", num_labels=2, id2label={0: "a", 1: "b"})
    own = checkpoint.load_classifier(folder)
    other = checkpoint.load_classifier(folder, labels, problem_type="multi_label_classification")
    assert own.problem_type == "single_label_classification"
    assert (other.labels, other.problem_type) == (("a", "b"), "multi_label_classification")
    assert not torch.equal(own.head.output.weight, other.head.output.weight)
    assert "for single_label_classification of the same labels, was dropped" in other.notes[0]
    number = checkpoint.load_classifier(folder, problem_type="regression")
    assert number.labels == ("LABEL_0",)
    assert "for the labels a, b, was dropped" in number.notes[0]


def test_a_regression_may_have_a_name(saved_by_referee):
    folder, _ = saved_by_referee(
        "bert", num_labels=1, id2label={0: "stars"}, problem_type="regression"
    )
    assert checkpoint.load_classifier(folder, problem_type="regression").labels == ("stars",)
    model = checkpoint.load_classifier(folder, ["rank"], problem_type="regression")
    assert model.labels == ("rank",)
    assert model.notes


def test_only_a_number_needs_no_labels(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel")
    with pytest.raises(ModelFolderError, match="name the labels"):
        checkpoint.load_classifier(folder, problem_type="multi_label_classification")


def test_one_label_may_be_a_yes_or_no(saved_by_referee):
    folder, _ = saved_by_referee("bert", "AutoModel")
    problem = "multi_label_classification"
    assert checkpoint.load_classifier(folder, ["a"], problem_type=problem).problem_type == problem


def test_of_several_numbers_a_folder_is_kept_but_none_is_made(saved_by_referee):
    folder, _ = saved_by_referee("bert", problem_type="regression")
    assert len(checkpoint.load_classifier(folder).labels) == 3
    assert checkpoint.load_classifier(folder, problem_type="regression").labels == ("LABEL_0",)
