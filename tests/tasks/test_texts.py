"""Long texts and long pairs: every token is read, of both sides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import ConfigError
from glossator.tasks.texts import encode_texts, refuse_short
from glossator.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_model_folder):
    return Tokenizer.load(tiny_model_folder)


def sides(row, tokenizer):
    """The tokens of each side that the windows of a pair hold, and where the first ones stand."""
    found = []
    for example in row:
        first, second = example.span[1] - example.span[0], 0
        before = tokenizer.specials_before
        between = tokenizer.pair_specials - tokenizer.specials_before - 1
        one = example.tokens[before : before + first].tolist()
        rest = example.tokens[before + first + between : -1].tolist()
        second = len(rest)
        found.append((one, rest, first, second))
    return found


@given(st.integers(1, 60), st.integers(1, 60), st.integers(8, 30))
@settings(max_examples=80, deadline=None)
def test_both_sides_of_a_pair_are_read_whole(tokenizer, first, second, limit):
    words = [f"{'abcdefghijklmnopqrstuvwxyz'[i % 26]}" for i in range(60)]
    pair = (" ".join(words[:first]), " ".join(reversed(words[:second])))
    (row,) = encode_texts(tokenizer, [pair], [()], limit)
    one, other = (ids.tolist() for ids in tokenizer.encode(list(pair)))
    assert row.n_tokens == len(one) + len(other)
    assert row.windows == len(row)
    assert sum(example.weight for example in row) == pytest.approx(1)
    for side, whole in ((0, one), (1, other)):
        parts = [window[side] for window in sides(row, tokenizer)]
        assert all(len(example.tokens) <= limit for example in row)
        assert _covers(parts, whole), (side, parts, whole)
        short = len(whole) <= (limit - tokenizer.pair_specials) // 2
        assert not short or all(part == whole for part in parts)


def _covers(parts, whole):
    """Whether the parts, in their order, are pieces of `whole` that leave no token out."""
    end = 0
    for part in parts:
        starts = [i for i in range(len(whole) - len(part) + 1) if whole[i : i + len(part)] == part]
        start = max((i for i in starts if i <= end), default=None)
        if start is None:
            return False
        end = max(end, start + len(part))
    return end == len(whole)


def test_segments_tell_the_sides_apart(tokenizer):
    (row,) = encode_texts(tokenizer, [("a b", "c d e")], [()], 32)
    assert row[0].segments.tolist() == [0] * 4 + [1] * 4


def test_a_window_without_room_is_refused(tokenizer):
    with pytest.raises(ConfigError, match="no room beside the 3 special ones"):
        refuse_short(tokenizer, 4, pair=True)
    refuse_short(tokenizer, 5, pair=True)
