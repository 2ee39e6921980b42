"""Which of a row's own choices answers its question."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator.tasks.kinds.multiple_choice.config import CONFIG, Options
from glossator.tasks.kinds.multiple_choice.loss import choice_losses
from glossator.tasks.kinds.multiple_choice.task import KIND
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


def test_it_says_what_it_reads():
    assert CONFIG.shapes == (("question", "choices", "answer"),)
    assert CONFIG.opens_as == "AutoModelForMultipleChoice"
