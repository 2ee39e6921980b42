"""Folders that older releases wrote still open, and answer as they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from label_records import records

import glossator

GOLDENS = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))


def check(golden, model):
    expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))
    # One of them is blank, which such a folder answered when it was written.
    answers = model.answer_records(records(expected["texts"]))
    np.testing.assert_allclose(answers.raw, expected["logits"], atol=1e-5)
    for answer, said in zip(answers, expected["predictions"], strict=True):
        got = answer.to_json()
        assert got.keys() >= said.keys()
        for name in ("label", "n_tokens", "windows"):
            assert got[name] == said[name]
        assert got["score"] == pytest.approx(said["score"], abs=1e-4)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.name)
def test_an_old_folder_answers_as_it_did(golden):
    check(golden, glossator.load(golden / "model"))


def test_there_is_one_of_this_release():
    assert glossator.__version__ in [golden.name for golden in GOLDENS]


def test_another_answer_would_be_seen():
    model = glossator.load(GOLDENS[-1] / "model")
    model.model.head.output.bias.data[0] += 1e-3
    with pytest.raises(AssertionError):
        check(GOLDENS[-1], model)
