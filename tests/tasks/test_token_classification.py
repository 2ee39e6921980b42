"""Words, entities and their tags: in any script, exactly where they stand."""

from __future__ import annotations

import numpy as np
import pytest
import tokenizers
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.tasks.kinds.entities.given import entities_of
from glossator.tasks.kinds.entities.reading import EntityReader, SplitText
from glossator.tasks.kinds.entities.units import encode_words, kept_words
from glossator.tasks.kinds.entities.words import edge_words, fine_words
from glossator.tasks.kinds.token_classification.config import Options
from glossator.tasks.kinds.token_classification.task import KIND
from glossator.tasks.offsets import Unfit
from glossator.tasks.task import Base
from glossator.text.characters import begins_inside_character
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row
from glossator.text.tagging import Span
from glossator.text.tokenizer import Tokenizer

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
BY_PLACE = {"text": ("text",), "entities": ("entities",)}
BY_TAG = {"tokens": ("tokens",), "tags": ("tags",)}


def cut(text, words=fine_words):
    return [text[a:b] for a, b in words(text)]


@pytest.mark.parametrize(
    ("text", "fine", "edge"),
    [
        ("Ann met Bob.", ["Ann", "met", "Bob", "."], None),
        (
            "the U.S. all-rounder",
            ["the", "U", ".", "S", ".", "all", "-", "rounder"],
            ["the", "U.S.", "all-rounder"],
        ),
        ("on 1996-08-30, 3.5%", None, ["on", "1996-08-30", ",", "3.5", "%"]),
        ("我爱iPhone手机", ["我", "爱", "iPhone", "手", "机"], ["我", "爱", "iPhone", "手", "机"]),
        (f"hi {FAMILY}!", ["hi", FAMILY, "!"], ["hi", FAMILY, "!"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"], ["cafe\u0301", "naïve"]),
        ("ＡＢＣ　１２", ["ＡＢＣ", "１２"], ["ＡＢＣ", "１２"]),
        ("שלום עולם", ["שלום", "עולם"], ["שלום", "עולם"]),
        ("\U0001f44d\U0001f3fd ok", ["\U0001f44d\U0001f3fd", "ok"], None),
        ("  ", [], []),
    ],
)
def test_a_text_is_cut_into_words(text, fine, edge):
    assert fine is None or cut(text) == fine
    assert edge is None or cut(text, edge_words) == edge


def test_a_run_that_no_window_holds_is_cut():
    assert [len(word) for word in cut("x" * 250)] == [100, 100, 50]


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_words_cover_all_that_shows_and_end_at_whole_characters(text):
    for words in (fine_words(text), edge_words(text)):
        covered = np.zeros(len(text), bool)
        for (a, b), (c, _) in zip(words, [*words[1:], (len(text), 0)], strict=False):
            assert a < b <= c
            covered[a:b] = True
            assert not begins_inside_character(text, a) or text[a - 1].isspace() or b - a >= 100
        assert all(covered[i] or char.isspace() for i, char in enumerate(text))


def unfit(items, text, *, nested=False):
    with pytest.raises(Unfit) as caught:
        entities_of(items, text, fine_words(text), nested=nested)
    return caught.value.kind, str(caught.value)


def entity(start, end, label="LOC", **more):
    return {"start": start, "end": end, "label": label, **more}


@pytest.mark.parametrize(
    ("items", "text", "kind", "said"),
    [
        ([entity(0, 9)], "Paris", "wrong_offset", "0 to 9 are not in a text of 5"),
        ([entity(3, 3)], "Paris", "wrong_offset", "3 to 3"),
        ([entity(0, 3)], "Paris", "half_word", "mark whole words"),
        ([entity("0", 5)], "Paris", "not_an_entity", "'0'"),
        ([entity(0, 5, "")], "Paris", "not_an_entity", "label"),
        (["Paris"], "Paris", "not_an_entity", "no start, end, label"),
        ([entity(5, 6)], "Paris  Rome", "not_an_entity", "nothing but spaces"),
        ([entity(3, 9, text="Rome")], "é Rome!", "wrong_offset", "of 7"),
        ([entity(3, 7, text="Rome")], "é Rome!", "wrong_offset", "counted in bytes"),
        ([entity(3, 7, text="Rome")], "\U0001f600 Rome!", "wrong_offset", "UTF-16"),
        ([entity(0, 4)], "cafe\u0301 x", "half_character", "middle of a character"),
        ([entity(0, 10), entity(4, 15)], "New York City x", "half_word", "'LOC' at 0 to 10"),
        ([entity(0, 8), entity(4, 13)], "New York City", "overlap", "--decoder spans"),
    ],
)
def test_entities_that_cannot_be_used_are_refused_by_name(items, text, kind, said):
    found, message = unfit(items, text)
    assert (found, said in message) == (kind, True), message


def test_spaces_at_the_ends_are_no_part_of_an_entity():
    text = "in New York now"
    assert entities_of([entity(2, 12)], text, fine_words(text), nested=False) == (
        Span(3, 11, "LOC"),
    )


def test_nested_entities_are_read_where_they_can_be_learned():
    text = "New York City"
    items = [entity(0, 13), entity(4, 8)]
    assert len(entities_of(items, text, fine_words(text), nested=True)) == 2


def read(values, columns, **options):
    reader = EntityReader(columns, Options(**options))
    return reader.read(Row("t.jsonl", 7, values), targets=True)


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "uneven", "2 words and 1 tags"),
        ({"tokens": ["a", "b"], "tags": ["O", "X-PER"]}, "not_a_tag", "word 2: 'X-PER'"),
        ({"tokens": ["a", "b"], "tags": ["O", "NN"]}, "not_a_tag", "word 2: 'NN'"),
        ({"tokens": ["a b"], "tags": ["O"]}, "not_a_word", "word 1 is 'a b'"),
        ({"tokens": [], "tags": []}, "empty_text", "empty"),
        ({"tokens": 5, "tags": []}, "not_a_list", "expected a list of strings"),
        ({"tokens": ["a"]}, "not_a_list", "'tags'"),
    ],
)
def test_words_and_tags_that_cannot_be_used_are_rejected_by_name(values, kind, said):
    found = read(values, BY_TAG)
    assert isinstance(found, Rejection)
    assert (found.kind, found.line, said in found.message) == (kind, 7, True), found.message


def test_words_and_tags_become_entities_by_the_characters_of_their_text():
    found = read({"tokens": ["Ann", "Lee", "left"], "tags": ["B-P", "I-P", "O"]}, BY_TAG)
    assert isinstance(found, Record)
    assert found.input.text == "Ann Lee left"
    assert found.target == (Span(0, 7, "P"),)


@pytest.fixture(scope="module")
def base(tiny_model_folder):
    return Base.of(tiny_model_folder, 16)


def learned(records, base, **options):
    return KIND.learn(records, base, BY_PLACE, Options(**options))


@st.composite
def tagged(draw):
    """A text of several scripts and some of its words as entities."""
    alphabet = ["card", "the", "我", "爱", FAMILY, "e\u0301a", "ＡＢ", "שלום", "x" * 7, ",", "3.5"]
    pieces = draw(st.lists(st.sampled_from(alphabet), min_size=1, max_size=40))
    text = draw(st.sampled_from([" ", "", "  "])).join(pieces) + " end"
    words = fine_words(text)
    ends = sorted(draw(st.sets(st.integers(0, len(words)), max_size=8)))
    spans = [
        Span(words[a][0], words[b - 1][1], draw(st.sampled_from(["A", "B"])))
        for a, b in zip(ends[::2], ends[1::2], strict=False)
    ]
    items = [entity(x.start, x.end, x.label) for x in spans]
    return read({"text": text, "entities": items}, BY_PLACE)


@given(record=tagged(), scheme=st.sampled_from(["BIO", "BIOES"]))
@settings(max_examples=120, deadline=None)
def test_what_is_right_is_found_again_whatever_the_windows(base, record, scheme):
    """Logits that say the right tags give the right entities: no word is lost or doubled."""
    assert isinstance(record, Record), record
    one = Record(record.row, record.input, (Span(0, 1, "A"), Span(0, 1, "B")), record.texts)
    task = learned([one], base, scheme=scheme)
    (row,) = task.encode([record])
    answered = np.concatenate(kept_words(row))
    assert set(answered.tolist()) == set(range(len(row.offsets)))
    answers = [np.eye(len(task.tags), dtype=np.float32)[e.arrays[1]] * 20 for e in row]
    logits = task.combine(record, row, answers)
    prediction = task.decode(record, row, logits)
    text = record.input.text
    found = {(x.start, x.end, x.label) for x in prediction.entities}
    kept = {tuple(x) for x in row.offsets.tolist()}
    starts, ends = {a for a, _ in kept}, {b for _, b in kept}
    # A word without a token (one that a tokenizer drops) cannot be an end of anything.
    expected = {
        (x.start, x.end, x.label) for x in record.target if x.start in starts and x.end in ends
    }
    assert expected <= found
    for x in prediction.entities:
        assert 0 <= x.start < x.end <= len(text)
        assert text[x.start : x.end] == x.text
        assert (x.start in starts, x.end in ends) == (True, True)
        assert 0 < x.score <= 1


@given(st.text(max_size=80))
@settings(max_examples=120, deadline=None)
def test_whatever_a_model_says_entities_lie_in_their_text(base, text):
    one = Record(Row("t", 1, {}), None, (Span(0, 1, "A"),), ("a",))
    task = learned([one], base)
    record = task.reader(BY_PLACE).read(Row("t", 1, {"text": text}), targets=False)
    if isinstance(record, Rejection):
        return
    (row,) = task.encode([record])
    draw = torch.Generator().manual_seed(len(text))
    answers = [torch.randn(len(e.arrays[0]), 3, generator=draw).numpy() for e in row]
    prediction = task.decode(record, row, task.combine(record, row, answers))
    last = 0
    for x in prediction.entities:
        assert last <= x.start < x.end <= len(text)
        assert text[x.start : x.end] == x.text
        assert not begins_inside_character(text, x.end)
        last = x.end


def test_a_word_in_several_windows_counts_once(base):
    text = " ".join(["card"] * 60)
    record = read({"text": text, "entities": []}, BY_PLACE)
    one = Record(record.row, record.input, (Span(0, 4, "A"),), record.texts)
    (row,) = learned([one], base).encode([record])
    assert row.windows > 3
    shares = sum(float(example.arrays[2].sum()) for example in row)
    assert shares == pytest.approx(60)


def test_a_chinese_text_is_read_without_pieces_for_spaces(tmp_path):
    """A Unigram vocabulary marks the space before each word, and these words have none."""
    pieces = [("<unk>", 0.0), ("\u2581", -2.0), *((char, -3.0) for char in "我爱北京天安门")]
    inner = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=0))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    inner.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    text = "我爱北京"
    words = SplitText(text, tuple(fine_words(text)))
    goals = np.arange(4)
    (row,) = encode_words(tokenizer, [words], [goals], 8)
    assert [tokenizer.vocabulary[i] for i in row[0].tokens] == list(text)
    assert row[0].arrays[1].tolist() == goals.tolist()
    assert row.offsets.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]
