"""Tokenizers trained on one's own text, which the referee loads."""

from __future__ import annotations

import random

import pytest
import transformers

from glossator.errors import ConfigError, InputError
from glossator.text.tokenizer import Tokenizer
from glossator.text.tokenizer_training import KINDS, TokenizerConfig, train_tokenizer

ENGLISH = ["the", "market", "film", "story", "card", "refund", "was", "not", "here", "today"]
WORDS = [*ENGLISH, "北京", "银行", "很好", "Straße", "naïve"]


def texts(count=3000):
    draws = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = ["".join(draws.choices(letters, k=draws.randint(3, 9))) for _ in range(400)]
    return [" ".join(draws.choices(WORDS + made, k=9)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained():
    return {
        kind: train_tokenizer(texts(), TokenizerConfig(kind=kind, vocab_size=700)) for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_referee_loads_it_and_agrees(trained, kind, tmp_path):
    trained[kind].save(tmp_path)
    referee = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ours = Tokenizer.load(tmp_path)
    assert ours.vocabulary_size == len(referee) == 700
    for text in ["The card was not here", "北京银行 很好 naïve Straße", "zzz \U0001f600 x", ""]:
        (ids,) = ours.encode([text])
        assert ids.tolist() == referee(text, add_special_tokens=False)["input_ids"]
        assert ours.wrap(ids).tolist() == referee(text)["input_ids"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_tokenizer(trained, kind):
    again = train_tokenizer(iter(texts()), TokenizerConfig(kind=kind, vocab_size=700))
    assert again.to_json() == trained[kind].to_json()


def test_wordpiece_sets_chinese_characters_apart_and_has_a_mask(trained):
    tokenizer = trained["wordpiece"].with_masks()
    (ids,) = tokenizer.encode(["北京银行[MASK]"])
    pieces = [tokenizer.vocabulary[i] for i in ids]
    assert pieces == ["北", "京", "银", "行", "[MASK]"]
    assert ids[-1] == tokenizer.mask_id
    assert trained["bpe"].mask_id is None


def test_bytes_come_back_as_they_were(trained):
    text = "never seen: 漢字 \U0001f600 \t tabs"
    tokenizer = trained["bpe"]
    assert tokenizer.decode(tokenizer.encode([text])[0]) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_that_the_text_does_not_support_is_refused(kind):
    config = TokenizerConfig(kind=kind, vocab_size=30522)
    with pytest.raises(InputError, match=r"support a vocabulary of [\d,]+ pieces, not of 30,522"):
        train_tokenizer(texts(50), config)


def test_a_text_too_small_for_any_vocabulary_asks_for_more():
    with pytest.raises(InputError, match=r"not of 300; more text is needed$"):
        train_tokenizer(["a few words"] * 9, TokenizerConfig(vocab_size=300))


def test_sizes_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="--vocab-size"):
        TokenizerConfig(vocab_size=10)
