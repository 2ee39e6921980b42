"""Which of a row's own choices answers its question."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.tasks.kinds.multiple_choice.config import CONFIG, Options
from glossator.tasks.kinds.multiple_choice.examiner import ChoiceExaminer
from glossator.tasks.kinds.multiple_choice.loss import choice_losses
from glossator.tasks.kinds.multiple_choice.task import KIND
from glossator.text.columns import is_blank
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

COLUMNS = {name: (name,) for name in ("question", "choices", "answer")}


def read(options=None, columns=COLUMNS, **values):
    row = {"question": "where ?", "choices": ["here", "there"], "answer": 0, **values}
    return KIND.reader(columns, options or Options()).read(Row("t", 3, row), targets=True)


@pytest.mark.parametrize(
    ("answer", "index"),
    [(1, 1), ("1", 1), ("B", 1), ("there", 1), (" there ", 1), (0, 0), (1.0, 1)],
)
def test_an_answer_is_a_number_a_letter_or_a_text(answer, index):
    found = read(answer=answer)
    assert isinstance(found, Record)
    assert (found.target.index, found.target.text) == (index, ("here", "there")[index])


def test_a_text_goes_before_a_letter_and_a_number():
    assert read(choices=["B", "A"], answer="A").target.index == 1
    assert read(choices=["1", "0"], answer="0").target.index == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"choices": '["here", "there"]'}, None),
        ({"choices": "here|there", "options": Options(choice_separator="|")}, None),
        ({"choices": "here"}, "expected a list"),
        ({"choices": ["here"]}, "choice"),
        ({"choices": ["here", " "]}, "choice 1, counted from 0"),
        ({"answer": "nowhere"}, "none of the choices 'here', 'there'"),
        ({"answer": 5}, "expected a number from 0 to 1"),
        ({"answer": 2}, "counted from 1: subtract 1"),
        ({"answer": -1}, "expected a number from 0 to 1"),
        ({"answer": "C"}, "a letter from A to B"),
        ({"choices": ["here", "here"], "answer": "here"}, "choices 0 and 1 alike"),
        ({"question": " "}, "question"),
        ({"answer": None}, "answer"),
        ({"answer": True}, "answer"),
    ],
)
def test_what_cannot_be_is_said_by_name(given, told):
    found = read(**given)
    if told is None:
        assert found.input[1] == ("here", "there")
    else:
        assert isinstance(found, Rejection)
        assert told in found.message


def test_the_loss_is_that_of_each_row_over_the_means_of_its_windows():
    """Rows of three and of two choices; the first choice of the second row has two windows."""
    logits = torch.tensor([1.0, 2, 3, 0.5, 1.5, -1], requires_grad=True)
    losses = choice_losses(
        logits,
        rows=torch.tensor([0, 0, 0, 1, 1, 1]),
        choices=torch.tensor([0, 1, 2, 0, 0, 1]),
        right=torch.tensor([2, 2, 2, 0, 0, 0]),
    )
    expected = [
        float(np.log(np.exp([1, 2, 3]).sum()) - 3),
        float(np.log(np.exp([1, -1]).sum()) - 1),
    ]
    np.testing.assert_allclose(losses.detach().numpy(), expected, rtol=1e-6)
    losses.sum().backward()
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-6)


def examined(rows):
    examiner = ChoiceExaminer()
    for number, row in enumerate(rows):
        found = KIND.reader(COLUMNS, Options()).read(Row("t", number, row), targets=True)
        kept = isinstance(found, Record)
        examiner.add("train", found) if kept else examiner.reject("train", found)
    return {finding.kind: finding for finding in examiner.findings()}


def rows_of(*answers, choices=("a", "b", "c")):
    return [
        {"question": f"which {i}?", "choices": choices, "answer": x} for i, x in enumerate(answers)
    ]


def test_what_is_told_of_choices():
    found = examined(rows_of(*[0, 1, 2] * 10))
    assert found.keys() == {"choices", "places"}
    assert "3 choices a row; a guess is right in 33.3% of the rows" in found["choices"].message
    found = examined(rows_of(*[0] * 29, 1))
    assert "in 96.7% of the rows" in found["uneven_places"].message
    found = examined(rows_of(0, 1, choices=("a", "b", "a")))
    assert "'a'; the two get the same score" in found["doubled_choices"].message


def test_numbers_counted_from_1_are_an_error():
    assert examined(rows_of(*[1, 2, 3] * 5))["counted_from_1"].severity == "error"
    assert "counted_from_1" not in examined(rows_of(*[0, 1, 2] * 5, 3))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not is_blank(text)
)


@given(st.lists(TEXTS, min_size=2, max_size=6, unique=True), st.data())
def test_every_form_of_an_answer_is_the_same_choice(choices, data):
    number = data.draw(st.integers(0, len(choices) - 1))
    plain = read(choices=choices, answer=number)
    assert (plain.target.index, plain.target.text) == (number, choices[number])
    packed = read(choices=json.dumps(choices), answer=number)
    assert (packed.input, packed.target) == (plain.input, plain.target)
    columns = {**COLUMNS, "choices": tuple(f"c{i}" for i in range(len(choices)))}
    spread = {f"c{i}": choice for i, choice in enumerate(choices)}
    assert read(columns=columns, **spread, answer=number).target == plain.target
    if sum(choice.strip() == choices[number].strip() for choice in choices) == 1:
        assert read(choices=choices, answer=choices[number]).target == plain.target


def test_it_says_what_it_reads():
    assert CONFIG.shapes == (("question", "choices", "answer"),)
    assert CONFIG.opens_as == "AutoModelForMultipleChoice"
