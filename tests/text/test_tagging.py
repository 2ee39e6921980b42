from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.errors import TextError
from glossator.text.tagging import (
    Span,
    scheme_of,
    spans_of,
    tag_names,
    tags_of,
    transitions,
)

SCHEMES = ["BIO", "BIOES", "IO"]
ALL_TAGS = tag_names(["a", "b-c"], "BIOES")


def conlleval(tags: list[str]) -> list[Span]:
    """The two questions of the script of CoNLL-2000, case by case as its text asks them."""
    chunks, start, before, of = [], None, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        kind, _, label = tag.partition("-")
        ends = before in "ES" or (before in "BI" and kind in "BSO")
        ends = ends or (before != "O" and of != label)
        begins = kind in "BS" or (before in "ESO" and kind in "EI")
        begins = begins or (kind != "O" and of != label)
        if start is not None and ends:
            chunks.append(Span(start, place, of))
            start = None
        if begins:
            start = place
        before, of = kind, label
    return chunks


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-a I-a O B-b", [(0, 2, "a"), (3, 4, "b")]),
        ("I-a I-a O I-b", [(0, 2, "a"), (3, 4, "b")]),
        ("B-a B-a I-a", [(0, 1, "a"), (1, 3, "a")]),
        ("B-a I-b I-b", [(0, 1, "a"), (1, 3, "b")]),
        ("S-a B-b I-b E-b", [(0, 1, "a"), (1, 4, "b")]),
        ("E-a E-a", [(0, 1, "a"), (1, 2, "a")]),
        ("B-a E-a I-a", [(0, 2, "a"), (2, 3, "a")]),
        ("U-a B-b I-b L-b", [(0, 1, "a"), (1, 4, "b")]),
        ("B-a M-a E-a W-b", [(0, 3, "a"), (3, 4, "b")]),
        ("B-a-b I-a-b", [(0, 2, "a-b")]),
    ],
)
def test_tags_mean_these_spans(tags, expected):
    assert spans_of(tags.split()) == [Span(*span) for span in expected]


@given(st.lists(st.sampled_from(ALL_TAGS), max_size=12))
def test_any_sequence_is_read_as_conlleval_reads_it(tags):
    assert spans_of(tags) == conlleval(tags)


def test_any_sequence_is_read_as_seqeval_reads_it():
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")

    @given(st.lists(st.sampled_from(ALL_TAGS), max_size=12))
    def compare(tags):
        expected = [Span(start, end + 1, label) for label, start, end in seqeval.get_entities(tags)]
        assert spans_of(tags) == expected

    compare()


@st.composite
def texts(draw):
    """A length and spans that do not overlap."""
    spans, place = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start = place + draw(st.integers(0, 2))
        place = start + draw(st.integers(1, 4))
        spans.append(Span(start, place, draw(st.sampled_from(["a", "b-c", "地名"]))))
    return place + draw(st.integers(0, 2)), spans


@given(texts(), st.sampled_from(["BIO", "BIOES"]))
def test_spans_come_back(text, scheme):
    length, spans = text
    tags = tags_of(reversed(spans), length, scheme)
    assert len(tags) == length
    assert spans_of(tags) == spans


@given(texts())
def test_io_makes_one_of_two_that_touch(text):
    length, spans = text
    merged: list[Span] = []
    for span in spans:
        if merged and (merged[-1].end, merged[-1].label) == (span.start, span.label):
            span = Span(merged.pop().start, span.end, span.label)
        merged.append(span)
    assert spans_of(tags_of(spans, length, "IO")) == merged


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(0, 3, "a"), Span(2, 4, "b")], "'a' from 0 to 3 and 'b' from 2 to 4 overlap"),
        ([Span(0, 3, "a"), Span(1, 2, "a")], "overlap"),
        ([Span(0, 3, "a"), Span(0, 3, "b")], "overlap"),
        ([Span(3, 6, "a")], "'a' from 3 to 6 is no span of a text of 5 tokens"),
        ([Span(-1, 1, "a")], "is no span"),
        ([Span(2, 2, "a")], "is no span"),
    ],
)
def test_spans_that_tags_cannot_say(spans, message):
    with pytest.raises(TextError, match=message):
        tags_of(spans, 5, "BIO")


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        (["B-a I-a O", "O"], "BIO"),
        (["B-a", "I-a"], "BIO"),
        (["O O", ""], "BIO"),
        ([], "BIO"),
        (["I-a O", "I-b"], "IO"),
        (["B-a E-a O", "O"], "BIOES"),
        (["O", "S-a"], "BIOES"),
        (["B-a L-a", "U-b"], "BIOES"),
        (["B-a M-a E-a"], "BIOES"),
    ],
)
def test_scheme(rows, scheme):
    assert scheme_of(row.split() for row in rows) == scheme


@pytest.mark.parametrize("tag", ["NOUN", "B", "B-", "-a", "X-a", "o", "b-a", "", "O-a", "B_a"])
def test_what_is_no_tag_is_named_with_its_row(tag):
    with pytest.raises(TextError, match=f"row 2: '{tag}' is no tag; expected O, or B-, I-"):
        scheme_of([["O", "B-a"], ["O", tag], ["NOUN"]])
    with pytest.raises(TextError, match=f"^'{tag}' is no tag"):
        spans_of(["O", tag])


def test_names_of_tags():
    assert tag_names(["x", "y"], "BIO") == ("O", "B-x", "I-x", "B-y", "I-y")
    assert tag_names(["x"], "BIOES") == ("O", "B-x", "I-x", "E-x", "S-x")
    assert tag_names(["x", "y"], "IO") == ("O", "I-x", "I-y")
    assert tag_names([], "BIO") == ("O",)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_allowed_are_exactly_the_sequences_that_spell_spans(scheme):
    """Every sequence of up to four tags, against writing down again what it was read as."""
    names = tag_names(["a", "b"], scheme)
    allowed = transitions(names, scheme)
    assert allowed.between.shape == (len(names), len(names))
    outcomes = set()
    for length in range(1, 5 if scheme != "BIOES" else 4):
        for path in itertools.product(range(len(names)), repeat=length):
            tags = [names[tag] for tag in path]
            fits = allowed.start[path[0]] and allowed.end[path[-1]]
            fits = fits and all(allowed.between[a, b] for a, b in itertools.pairwise(path))
            assert fits == (tags_of(spans_of(tags), length, scheme) == tags), tags
            outcomes.add(bool(fits))
    assert outcomes == ({True} if scheme == "IO" else {True, False})


def test_other_letters_have_the_same_transitions():
    ours = transitions(["O", "B-x", "I-x", "E-x", "S-x"], "BIOES")
    theirs = transitions(["O", "B-x", "I-x", "L-x", "U-x"], "BIOES")
    np.testing.assert_array_equal(ours.between, theirs.between)
    np.testing.assert_array_equal(ours.end, theirs.end)


def test_spans_sort_by_place_and_are_compact():
    assert sorted([Span(2, 3, "a"), Span(0, 4, "b"), Span(0, 2, "c")])[0] == Span(0, 2, "c")
    assert not hasattr(Span(0, 1, "a"), "__dict__")
