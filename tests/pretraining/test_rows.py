"""Rows of a constant number of tokens, in which no token of a document is lost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.pretraining.corpus.corpus import WORD, Piece
from glossator.pretraining.rows import SPECIAL, CorpusRows, SomeRows, marks_of


class Documents:
    """A part of a corpus whose tokens count up."""

    digest = "0"

    def __init__(self, lengths):
        self.lengths = np.array(lengths, np.int64)
        self._starts = np.cumsum(self.lengths) - self.lengths

    def piece(self, document, start, stop):
        tokens = np.arange(start, stop, dtype=np.int32) + 10 + int(self._starts[document])
        return Piece(tokens, np.full(stop - start, WORD, np.uint8))


class Wrapper:
    specials, specials_before = 2, 1

    def wrap(self, ids):
        return np.concatenate([[1], ids, [2]]).astype(np.int32)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40), st.integers(16, 90))
def test_every_token_comes_once_and_no_row_is_too_long(lengths, length):
    rows = CorpusRows(Documents(lengths), Wrapper(), length)
    found = [list(rows[i]) for i in range(len(rows))]
    assert all(0 < sum(len(e.tokens) for e in row) <= length for row in found)
    inside = np.concatenate([e.tokens[1:-1] for row in found for e in row])
    assert inside.tolist() == list(range(10, 10 + sum(lengths)))
    assert rows.tokens == sum(len(e.tokens) for row in found for e in row)


def test_rows_are_full_and_pieces_are_not_slivers():
    rows = CorpusRows(Documents([300] * 200), Wrapper(), 128)
    sizes = [sum(len(e.tokens) for e in rows[i]) for i in range(len(rows))]
    assert np.mean(sizes) > 120
    assert min(len(e.tokens) for i in range(len(rows) - 1) for e in rows[i]) >= 12


def test_special_tokens_and_fillers_are_marked():
    rows = CorpusRows(Documents([5]), Wrapper(), 32)
    (example,) = rows[0]
    assert marks_of([example]).tolist() == [SPECIAL, *[WORD] * 5, SPECIAL]
    filler = dataclasses.replace(example, tokens=example.tokens[:3], weight=0.0)
    assert marks_of([filler]).tolist() == [SPECIAL] * 3


def test_some_rows_are_a_choice_of_all():
    rows = CorpusRows(Documents([100] * 50), Wrapper(), 128)
    some = SomeRows(rows, 1000, seed=1)
    assert 5 <= len(some) <= 12
    assert abs(some.tokens - 1000) < 200
    assert some.digest() != SomeRows(rows, 1000, seed=2).digest()
    assert len(SomeRows(rows, 10**9, seed=1)) == len(rows)


@pytest.mark.parametrize("length", [16, 128])
def test_another_length_is_another_digest(length):
    rows = CorpusRows(Documents([100]), Wrapper(), length)
    assert rows.digest() != CorpusRows(Documents([100]), Wrapper(), length + 1).digest()
