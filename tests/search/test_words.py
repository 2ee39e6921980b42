"""Words: how texts are cut, what a word finds, and in which order."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.search import build_index, open_index
from glossator.search.cutting import Stemmer, spaced, words_of


def found(folder, query, **options):
    with open_index(folder) as index:
        return index.search([query], by="words", **options)[0]


def ids(folder, query, **options):
    return [hit.id for hit in found(folder, query, **options)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where IS it?", ["where", "is", "it"]),
        ("card card", ["card"]),
        ("e_mail don't", ["e", "mail", "don", "t"]),
        ("ＥＸ２ ｃａｒｄ", ["ex2", "card"]),
        ("我爱北京", ["我", "爱", "北京"]),
        ("GPU的price", ["gpu", "的", "price"]),
        ("?!... \0", []),
        ("", []),
    ],
)
def test_a_text_is_cut_into_words(text, words):
    assert words_of(text) == words


def test_a_long_chinese_word_is_found_by_its_parts():
    assert {"长江", "大桥", "长江大桥"} <= set(words_of("南京市长江大桥"))
    assert spaced("no Chinese: stays") == "no Chinese: stays"


def test_words_are_looked_up_without_their_endings():
    terms = Stemmer().terms(["cards", "card", "running", "Café", "大桥", "running"])
    assert terms == ["card", "card", "run", "cafe", "大桥", "run"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_cut_and_looked_up(text):
    terms = Stemmer().terms(words_of(text))
    assert all(isinstance(term, str) for term in terms)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cards", ["a"]),
        ("CHANGE pins", ["b"]),
        ("长江", ["e"]),
        ("银行卡 fee", ["d", "c"]),
        ("nothing of it", []),
        ("?", []),
        ('" OR * NEAR(', []),
        ("title:card", ["a"]),
    ],
)
def test_what_a_query_finds(words, query, expected):
    assert ids(words, query) == expected


def test_a_hit_carries_its_row_and_the_words_that_it_shares(words):
    hit, _ = found(words, "was my card abroad, or a lost film?")
    assert hit.row["body"] == "my card was lost abroad"
    assert hit.words == ("was", "my", "card", "abroad", "lost")
    assert (hit.rank, hit.window) == (1, None)


TEXTS = [
    "card card lost",
    "card found in the bank of the town",
    "the bank",
    "lost and found and lost again",
    "a film",
    "the film about a bank",
    "nothing else is here",
]


def expected_scores(query):
    """BM25 as SQLite has it: k1 1.2, b 0.75, and weights that are never below 1e-6."""
    documents = [text.split() for text in TEXTS]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        counts, score = Counter(document), 0.0
        for word in query.split():
            holding = sum(word in other for other in documents)
            weight = math.log((len(documents) - holding + 0.5) / (holding + 0.5))
            count = counts[word]
            length = 1.2 * (1 - 0.75 + 0.75 * len(document) / mean)
            score += max(weight, 1e-6) * count * 2.2 / (count + length)
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["lost card", "bank", "the film", "card found bank"])
def test_scores_are_those_of_the_formula(tmp_path, query):
    build_index(tmp_path / "i", [{"text": text} for text in TEXTS])
    hits = {int(hit.id) - 1: hit.score for hit in found(tmp_path / "i", query)}
    expected = {i: score for i, score in enumerate(expected_scores(query)) if score > 0}
    assert hits == pytest.approx(expected, rel=1e-3)


def test_frequent_words_bring_in_nothing_and_count_all_the_same(tmp_path, monkeypatch):
    rows = [{"text": f"the word{i % 40} of row{i} {'again ' * (i % 3)}"} for i in range(120)]
    build_index(tmp_path / "i", rows)
    whole = found(tmp_path / "i", "the word3 again", top_k=2)
    monkeypatch.setattr("glossator.search.word_search._FEW", 10)
    assert found(tmp_path / "i", "the word3 again", top_k=2) == whole
    assert len(ids(tmp_path / "i", "the word3 again")) == 3
    assert len(ids(tmp_path / "i", "the again")) == 10, "where all are frequent the rarest finds"


def test_of_a_very_long_query_the_rarest_words_are_looked_up(words):
    query = " ".join(f"word{i}" for i in range(5000)) + " card"
    assert ids(words, query) == ["a"]


def test_of_equal_scores_the_earlier_row_stands_first(tmp_path):
    build_index(tmp_path / "i", [{"text": "same card"}, {"text": "other"}, {"text": "same card"}])
    assert ids(tmp_path / "i", "card") == ["1", "3"]
    assert ids(tmp_path / "i", "card", top_k=1) == ["1"]
