from __future__ import annotations

import json
import random
import shutil
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import ModelFolderError, TextError
from glossator.text.tokenizer import Tokenizer
from glossator.text.tokenizer_training import KINDS, TokenizerConfig, train_tokenizer


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


# Offsets, words and pairs, for each kind of tokenizer

DRAWS = random.Random(1)
MADE = ["".join(DRAWS.choices(string.ascii_letters, k=6)) for _ in range(300)]
SEEN = ["the", "market", "film", "naïve", "card", "北京", "银行", "Straße", *MADE]
CORPUS = [" ".join(DRAWS.choices(SEEN, k=9)) for _ in range(1500)]
ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "ab é e\u0301 \u0308 \u4e2d\u6587 \uff21\uff11 \u3000\n\ufb03\u0130\u00df\u2581\u0120"
        ),
        st.sampled_from("\U0001f469\u200d\U0001f680\ufe0f\U0001f1e8\U0001f3fd"),
    )
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        train_tokenizer(CORPUS, TokenizerConfig(kind=kind, vocab_size=420)).save(made[kind])
    cased = TokenizerConfig(kind="wordpiece", vocab_size=420, cased=True)
    made["cased"] = tmp_path_factory.mktemp("cased")
    train_tokenizer(CORPUS, cased).save(made["cased"])
    return made


@pytest.fixture(scope="module", params=[*KINDS, "cased"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def of_kind(folders, kind):
    return Tokenizer.load(folders[kind])


def shown(tokenizer, text):
    ((ids, offsets),) = tokenizer.encode_with_offsets([text])
    assert ids.tolist() == tokenizer.encode([text])[0].tolist()
    assert offsets.dtype == np.int32
    return [text[a:b] for a, b in offsets.tolist()]


@given(ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_offsets_of_any_text(of_kind, text):
    ((ids, offsets),) = of_kind.encode_with_offsets([text])
    assert ids.tolist() == of_kind.encode([text])[0].tolist()
    assert offsets.shape == (len(ids), 2)
    starts, ends = offsets.T
    assert (np.diff(starts) >= 0).all()
    assert (np.diff(ends) >= 0).all()
    assert ((starts >= 0) & (starts <= ends) & (ends <= len(text))).all()
    for i, a, b in zip(ids, starts, ends, strict=True):
        piece = of_kind.vocabulary[i]
        assert a < b or not piece.strip("\u2581\u0120"), piece
        assert text[a:b] == text[a:b].strip() or text[a:b].isspace()


def covered(tokenizer, text):
    """The characters of a text that some token stands for."""
    ((_, offsets),) = tokenizer.encode_with_offsets([text])
    places = {i for a, b in offsets.tolist() for i in range(a, b)}
    return "".join(text[i] for i in sorted(places))


@given(ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_all_that_bytes_cover_is_the_text(folders, text):
    tokenizer = Tokenizer.load(folders["bpe"])
    assert "".join(covered(tokenizer, text).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" the  market ", "themarket"),
        ("the\u3000\u5317\u4eac", "the\u5317\u4eac"),
        ("caf e\u0301", "cafe\u0301"),
        ("\U0001f469\u200d\U0001f680 the", "\U0001f469\u200d\U0001f680the"),
        ("the \u2581\u0120", "the\u2581\u0120"),
    ],
)
def test_offsets_of_known_texts(of_kind, text, expected):
    assert "".join(covered(of_kind, text).split()) == expected


def test_each_byte_of_a_character_stands_for_all_of_it(folders):
    tokenizer = Tokenizer.load(folders["bpe"])
    assert shown(tokenizer, "漢\U0001f680") == ["漢"] * 3 + ["\U0001f680"] * 4


def test_accents_that_are_dropped_and_wide_letters_stay_in_their_place(folders):
    assert shown(Tokenizer.load(folders["wordpiece"]), "a\u0301\u0308b") == ["a\u0301\u0308", "b"]
    assert "".join(shown(Tokenizer.load(folders["unigram"]), "ＡＢ１")) == "ＡＢ１"
    ((_, offsets),) = Tokenizer.load(folders["unigram"]).encode_with_offsets(["漢"])
    assert offsets.tolist()[-1] == [0, 1]


WORDS = [
    ["The", "market", "was", "\u5317\u4eac\u94f6\u884c", "naïve", "."],
    ["", "card", "\u200b", "\u0301"],
    [],
]


def test_words_are_those_of_transformers(of_kind, kind, folders):
    transformers = pytest.importorskip("transformers")
    referee = transformers.AutoTokenizer.from_pretrained(folders[kind])
    if kind == "bpe":
        referee.backend_tokenizer.pre_tokenizer.add_prefix_space = True
    for words, (ids, numbers) in zip(WORDS, of_kind.encode_words(WORDS), strict=True):
        expected = referee(words, is_split_into_words=True, add_special_tokens=False)
        assert ids.tolist() == expected["input_ids"]
        assert numbers.tolist() == expected.word_ids()
        assert (numbers.dtype, numbers.shape) == (np.int32, ids.shape)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@settings(max_examples=100, deadline=None)
def test_numbers_of_words_rise(of_kind, words):
    ((ids, numbers),) = of_kind.encode_words([words])
    assert len(ids) == len(numbers)
    assert (np.diff(numbers) >= 0).all()
    assert set(numbers.tolist()) <= set(range(len(words)))


def test_a_word_that_bytes_begin_is_as_in_a_sentence(folders):
    tokenizer = Tokenizer.load(folders["bpe"])
    ((ids, _),) = tokenizer.encode_words([["the", "market"]])
    assert ids.tolist() == tokenizer.encode([" the market"])[0].tolist()


def test_a_word_that_is_none_is_refused(tokenizer):
    with pytest.raises(TextError, match="text 1, word 1 is None"):
        tokenizer.encode_words([["a"], ["b", None]])


def test_pairs_are_those_of_transformers(of_kind, kind, folders):
    transformers = pytest.importorskip("transformers")
    referee = transformers.AutoTokenizer.from_pretrained(folders[kind])
    for pair in [("the card", "a film"), ("the", ""), ("", "card"), ("", "")]:
        first, second = of_kind.encode(pair)
        # As the class has it, a pair whose second text is empty is no pair.
        expected = referee.backend_tokenizer.encode(*pair)
        wrapped = of_kind.wrap(first, second)
        assert wrapped.tolist() == expected.ids
        assert not pair[1] or wrapped.tolist() == referee(*pair)["input_ids"]
        assert len(wrapped) == len(first) + len(second) + of_kind.pair_specials
        segments = of_kind.segments(len(first), len(second))
        assert (segments is None) == (not any(expected.type_ids))
        assert segments is None or segments.tolist() == expected.type_ids
    assert of_kind.segments(1, 0) is not None or kind in ("bpe", "unigram")


@pytest.mark.parametrize("name", ["BertProcessing", "RobertaProcessing", None])
def test_pairs_of_other_processors(name, tiny_model_folder):
    from tokenizers import Tokenizer as Inner
    from tokenizers import processors

    inner = Inner.from_file(str(tiny_model_folder / "tokenizer.json"))
    ends = [(mark, inner.token_to_id(mark)) for mark in ("[SEP]", "[CLS]")]
    if name is None:
        inner.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1")
    else:
        inner.post_processor = getattr(processors, name)(*ends)
    tokenizer = Tokenizer(inner, {})
    first, second = tokenizer.encode(["card", "film card"])
    expected = inner.encode("card", "film card")
    assert tokenizer.wrap(first, second).tolist() == expected.ids
    segments = tokenizer.segments(1, 2)
    assert (segments is None) == (name == "RobertaProcessing")
    assert segments is None or segments.tolist() == expected.type_ids


def test_minilm_offsets_are_those_of_transformers(minilm_folder):
    transformers = pytest.importorskip("transformers")
    tokenizer = Tokenizer.load(minilm_folder)
    referee = transformers.AutoTokenizer.from_pretrained(minilm_folder)
    for text in ["Where's Müller's café?", "  北京 is big \U0001f469\u200d\U0001f680!", "ＡＢ１"]:
        ((ids, offsets),) = tokenizer.encode_with_offsets([text])
        expected = referee(text, return_offsets_mapping=True, add_special_tokens=False)
        assert ids.tolist() == expected["input_ids"]
        assert [tuple(x) for x in offsets.tolist()] == expected["offset_mapping"]


def test_a_word_of_the_multilingual_starter_is_without_its_space(multilingual_folder):
    tokenizer = Tokenizer.load(multilingual_folder)
    assert "".join(shown(tokenizer, "My card 在哪里")) == "Mycard在哪里"
