from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import ModelFolderError, TextError
from glossator.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_model_folder):
    return Tokenizer.load(tiny_model_folder)


@pytest.fixture(scope="module")
def referee(tiny_model_folder):
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(tiny_model_folder)


TEXTS = [
    "where is my new card ?",
    "",
    "   ",
    "a",
    "Where IS my CARD",
    "\x00\x01",
    "\u200b\u202e abc",
    "e\u0301" * 50,
    "\U0001f469\u200d\U0001f680 film",
    "\u5361\u7247\u5728\u54ea\u91cc",
    "[CLS] [MASK] card",
    "card " * 400,
]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_transformers(tokenizer, referee, text):
    (ids,) = tokenizer.encode([text])
    assert ids.dtype == np.int32
    assert tokenizer.wrap(ids).tolist() == referee(text)["input_ids"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@settings(max_examples=50, deadline=None)
def test_a_text_has_the_same_ids_alone_and_beside_others(tokenizer, texts):
    together = tokenizer.encode(texts)
    assert [x.tolist() for x in together] == [tokenizer.encode([t])[0].tolist() for t in texts]


def test_no_text_is_no_ids(tokenizer):
    assert tokenizer.encode([]) == []
    assert tokenizer.specials == 2


@pytest.mark.parametrize("broken", ["\ud800", "card \udfff card"])
def test_half_of_a_surrogate_pair_is_refused_by_number(tokenizer, broken):
    with pytest.raises(TextError, match="text 1 holds a lone surrogate"):
        tokenizer.encode(["fine", broken])


@pytest.mark.parametrize("value", [None, 3.5, float("nan"), b"card", ["card"]])
def test_what_is_no_text_is_refused_by_number(tokenizer, value):
    with pytest.raises(TextError, match=r"text 2 is .*expected a string"):
        tokenizer.encode(["a", "b", value])


def test_padding_and_truncation_of_the_file_are_switched_off(tiny_model_folder, tmp_path):
    folder = shutil.copytree(tiny_model_folder, tmp_path / "model")
    path = folder / "tokenizer.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    direction = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    fields["truncation"] = direction
    fields["padding"] = {
        "strategy": {"Fixed": 128},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    path.write_text(json.dumps(fields), encoding="utf-8")
    short, long = Tokenizer.load(folder).encode(["card", "card " * 50])
    assert (len(short), len(long)) == (1, 50)


def test_saved_byte_by_byte_though_the_folder_is_gone(tiny_model_folder, tmp_path):
    folder = shutil.copytree(tiny_model_folder, tmp_path / "model")
    tokenizer = Tokenizer.load(folder)
    shutil.rmtree(folder)
    tokenizer.save(tmp_path / "copy")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (tiny_model_folder / name).read_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\x00", b"[" * 100_000])
def test_what_is_no_tokenizer_is_refused(tmp_path, content):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match="not a tokenizer"):
        Tokenizer.load(tmp_path)


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(ModelFolderError, match=r"holds no tokenizer\.json"):
        Tokenizer.load(tmp_path)
