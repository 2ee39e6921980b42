"""The packed batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.text.packing import pack

IDS = st.lists(st.lists(st.integers(0, 2**31), min_size=1, max_size=9), min_size=1, max_size=9)


@given(IDS, st.booleans())
def test_a_batch_is_its_texts_one_after_another(texts, as_arrays):
    batch = pack([np.array(text, dtype=np.uint32) for text in texts] if as_arrays else texts)
    assert batch.texts == len(texts)
    assert batch.tokens.tolist() == list(itertools.chain(*texts))
    assert batch.lengths.tolist() == [len(text) for text in texts]
    assert batch.positions.tolist() == [i for text in texts for i in range(len(text))]
    assert batch.segments is None
    assert {x.dtype for x in (batch.tokens, batch.lengths, batch.positions)} == {torch.int64}
    pieces = batch.tokens.split(batch.lengths.tolist())
    firsts = [piece[0].item() for piece in pieces]
    assert batch.tokens[batch.starts].tolist() == firsts == [text[0] for text in texts]


@given(IDS, st.data())
def test_counts(texts, data):
    batch = pack(texts)
    rows = data.draw(st.sets(st.integers(0, len(batch.tokens) - 1)))
    text_of_row = [number for number, text in enumerate(texts) for _ in text]
    expected = [sum(text_of_row[row] == number for row in rows) for number in range(len(texts))]
    assert batch.counts(torch.tensor(sorted(rows), dtype=torch.int64)).tolist() == expected
    assert batch.counts(batch.starts).tolist() == [1] * len(texts)


def test_mixed_lists_and_arrays():
    assert pack([[1, 2], np.array([3]), (4,)]).tokens.tolist() == [1, 2, 3, 4]


def test_the_batch_does_not_share_memory_with_what_was_packed():
    text = np.array([1, 2, 3])
    batch = pack([text])
    text[0] = 9
    assert batch.tokens.tolist() == [1, 2, 3]


def test_segments():
    batch = pack([[5, 6, 7], [8]], [[0, 1, 1], np.array([1])])
    assert batch.segments.tolist() == [0, 1, 1, 1]
    moved = batch.to("meta")
    assert moved.segments.device.type == moved.lengths.device.type == "meta"
    assert pack([[1]]).to("meta").segments is None


@pytest.mark.parametrize(
    ("texts", "segments", "expected"),
    [
        ([], None, "there is no text"),
        ([[1], [], []], None, "text 1 has no token"),
        ([[1], [2]], [[0]], r"lengths \[1\], but tokens have lengths \[1, 1\]"),
        ([[1], [2, 3]], [[0, 0], [0]], r"lengths \[2, 1\]"),
    ],
)
def test_batches_that_are_refused(texts, segments, expected):
    with pytest.raises(ValueError, match=expected):
        pack(texts, segments)
