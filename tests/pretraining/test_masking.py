"""What is hidden: the share asked for, in units that stay whole, and never a special token."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.pretraining.corpus.corpus import WORD
from glossator.pretraining.objectives.masked_language import MaskedLanguage
from glossator.pretraining.objectives.masking import Hiding, choose, hide, ordinary_ids
from glossator.pretraining.rows import SPECIAL, MarkedExample
from glossator.text.tokenizer_training import TokenizerConfig, train_tokenizer


def marks(count=60000, seed=0):
    """Texts of 100 tokens, of words of one to three tokens, between special tokens."""
    draws = np.random.default_rng(seed)
    made = np.where(draws.random(count) < 0.6, WORD, 0).astype(np.uint8)
    made[::100] = SPECIAL
    made[99::100] = SPECIAL
    return made


@pytest.mark.parametrize("unit", ["token", "word", "span"])
@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_the_share_asked_for_is_hidden(unit, rate):
    made = marks()
    mask = choose(made, rate, unit, np.random.default_rng(1))
    ordinary = made & SPECIAL == 0
    assert not mask[~ordinary].any()
    assert mask[ordinary].mean() == pytest.approx(rate, abs=0.02)


@pytest.mark.parametrize("unit", ["word", "span"])
def test_words_are_hidden_whole(unit):
    made = marks()
    mask = choose(made, 0.15, unit, np.random.default_rng(1))
    inside = (made & (WORD | SPECIAL) == 0) & (np.roll(made, 1) & SPECIAL == 0)
    at = np.flatnonzero(inside)
    assert (mask[at] == mask[at - 1]).all()
    alone = choose(made, 0.15, "token", np.random.default_rng(1))
    assert (alone[at] != alone[at - 1]).any(), "else the test shows nothing"


def test_spans_are_longer_than_words():
    made = np.full(60000, WORD, np.uint8)
    runs = {}
    for unit in ("word", "span"):
        mask = choose(made, 0.15, unit, np.random.default_rng(1)).astype(int)
        runs[unit] = mask.sum() / (np.diff(mask, prepend=0) == 1).sum()
    assert runs["word"] < 1.3
    assert 3.8 < runs["span"] < 4.8, "SpanBERT's spans are 3.8 in the mean; some touch"


def test_something_is_always_hidden_where_there_is_text():
    made = np.array([SPECIAL, WORD, 0, SPECIAL], np.uint8)
    for seed in range(50):
        assert choose(made, 1e-9, "token", np.random.default_rng(seed)).sum() == 1
        assert choose(made, 1e-9, "word", np.random.default_rng(seed)).tolist() == [0, 1, 1, 0]
    assert not choose(np.full(4, SPECIAL, np.uint8), 0.15, "token", np.random.default_rng(0)).any()


def test_eight_in_ten_become_the_mask_one_another_token_and_one_stays():
    tokens = np.full(50000, 77, np.int64)
    mask = np.zeros(50000, bool)
    mask[:40000] = True
    how = Hiding(mask=4, ordinary=ordinary_ids(1000, [0, 1, 2, 3, 4]))
    hidden = hide(tokens, mask, how, np.random.default_rng(0))
    assert (hidden[40000:] == 77).all()
    seen = hidden[:40000]
    assert (seen == 4).mean() == pytest.approx(0.8, abs=0.01)
    assert (seen == 77).mean() == pytest.approx(0.1, abs=0.01)
    assert seen.min() >= 4, "no special token is drawn"


def test_a_batch_hangs_on_its_seed_alone(tokenizer):
    objective = MaskedLanguage(tokenizer)
    ids = tokenizer.encode(["the film was slow and boring . my card has not arrived yet ."])[0]
    example_marks = np.array([SPECIAL, *[WORD] * len(ids), SPECIAL], np.uint8)
    example = MarkedExample(tokenizer.wrap(ids), (0, len(ids)), marks=example_marks)
    one, same, other = (objective.collate([example] * 8, seed) for seed in (1, 1, 2))
    assert (one.inputs.tokens == same.inputs.tokens).all()
    assert (one.read.tolist(), one.targets.tolist()) == (same.read.tolist(), same.targets.tolist())
    assert one.read.tolist() != other.read.tolist()
    whole = np.concatenate([example.tokens] * 8)
    assert one.targets.tolist() == whole[one.read.numpy()].tolist()


def test_a_tokenizer_without_a_mask_is_refused():
    texts = [f"the market fell again this week {i * 7919}" for i in range(500)]
    plain = train_tokenizer(texts, TokenizerConfig(kind="bpe", vocab_size=300))
    with pytest.raises(InputError, match="no mask token"):
        MaskedLanguage(plain)
