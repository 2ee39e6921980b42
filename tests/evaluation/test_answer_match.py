"""Exact match and F1 of answers, against values worked out by hand from the official rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation.answer_match import Match, best_match, is_in_characters
from glossator.evaluation.answer_scores import AnswerScores


@pytest.mark.parametrize(
    ("gold", "answer", "exact", "f1"),
    [
        (["The Eiffel Tower"], "eiffel tower!", True, 1.0),  # case, article, punctuation
        (["Eiffel Tower"], "the tall Eiffel Tower", False, 0.8),  # 2 of 3 given, 2 of 2 right
        (["new york"], "York New", False, 1.0),  # words, in whatever order
        (["a b b"], "b b c", False, 0.8),  # 'a' is an article: bb against bbc
        (["12.5 km"], "125 km", True, 1.0),  # punctuation goes, and leaves no space
        (["red", "dark blue"], "blue", False, 2 / 3),  # the best of several
        (["red", "dark blue"], "Red.", True, 1.0),
        (["cat"], "dog", False, 0.0),
        (["the"], "a", True, 1.0),  # nothing is left of either: SQuAD 2.0
        (["the"], "cat", False, 0.0),
        ([], "", True, 1.0),
        ([], "cat", False, 0.0),
        (["cat"], "", False, 0.0),
    ],
)
def test_words_are_compared_as_by_squad(gold, answer, exact, f1):
    found = best_match(gold, answer, characters=False)
    assert found == Match(pytest.approx(f1), exact)


@pytest.mark.parametrize(
    ("gold", "answer", "exact", "f1"),
    [
        (["2008年"], "2008年，", True, 1.0),  # the mark goes
        (["香港小姐冠军"], "香港小姐", False, 0.8),  # 4 of 4 given, 4 of 6 right
        (["甲乙丙丁"], "甲乙丁丙", False, 0.5),  # the longest run is 2 of 4
        (["乔布斯 Steve Jobs"], "Steve Jobs", False, 2 * 2 / (5 + 2)),  # English words stay words
        (["《红楼梦》"], "红楼梦", True, 1.0),
        (["iPhone手机"], "iphone手机", True, 1.0),
        (["甲", "乙丙"], "乙", False, 2 / 3),
        (["，"], "。", True, 0.0),  # as the script has it: equal once bare, and no run
    ],
)
def test_chinese_is_compared_as_by_cmrc(gold, answer, exact, f1):
    found = best_match(gold, answer, characters=True)
    assert found == Match(pytest.approx(f1), exact)


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("The capital of China is Beijing (北京).", False),
        ("北京是中国的首都，英文叫 Beijing。", True),
        ("東京は日本の首都です", True),
        ("서울은 대한민국의 수도", False),  # Korean stands in words
        ("", False),
    ],
)
def test_the_script_of_a_text_says_which_rule_holds(text, characters):
    assert is_in_characters(text) is characters


@given(st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_a_match_is_a_share_and_that_of_an_answer_with_itself_is_exact(a, b, characters):
    found = best_match([a], b, characters=characters)
    assert 0 <= found.f1 <= 1
    assert best_match([a], a, characters=characters).exact or not a
    assert best_match([b], a, characters=characters).f1 == pytest.approx(found.f1)


def test_scores_are_means_and_rows_without_an_answer_are_told_apart():
    scores = AnswerScores()
    rows = [(1.0, True, True), (0.5, False, True), (1.0, True, False), (0.0, False, False)]
    for f1, exact, has in rows:
        scores.add(Match(f1, exact), answerable=has)
    found = scores.result()
    assert (found["exact_match"], found["f1"], found["rows"]) == (0.5, 0.625, 4)
    assert (found["answered_f1"], found["unanswered"]) == (0.75, 0.5)
    assert 0 <= found["f1_ci"][0] < 0.625 < found["f1_ci"][1] <= 1


def test_rows_that_all_are_right_have_an_interval_with_a_width():
    scores = AnswerScores()
    for _ in range(10):
        scores.add(Match(1.0, True), answerable=True)
    found = scores.result()
    assert found["f1_ci"][0] < 1.0 == found["f1_ci"][1]
    assert (found["answered_f1"], found["unanswered"]) == (None, None)
    with pytest.raises(InputError, match="no rows"):
        AnswerScores().result()
