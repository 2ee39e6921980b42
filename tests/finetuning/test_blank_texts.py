"""A text that shows nothing has no answer: one rule, here and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import glossator
from glossator.cli import main
from glossator.errors import ConfigError, InputError, TextError

QUICK = {"max_steps": 2, "precision": "float32", "device": "cpu"}
BLANK = ["", " \t\u200b\n", "\ufeff\x00"]
WORDS = ["card", "film", "market"]


def fit(rows, model, **options):
    return glossator.fit(rows, model=str(model), **{**QUICK, **options})


def rows_of(count=30):
    return [{"text": f"{WORDS[i % 2]} {i}", "label": WORDS[i % 2]} for i in range(count)]


@pytest.fixture(scope="module")
def labelled(tiny_model_folder):
    return fit(rows_of(), tiny_model_folder)


@pytest.fixture(scope="module")
def paired(tiny_model_folder):
    rows = [{**row, "text_pair": f"film {i}"} for i, row in enumerate(rows_of())]
    return fit(rows, tiny_model_folder, text="text", text_pair="text_pair")


def test_it_has_no_answer_and_the_others_have_theirs(labelled):
    expected = labelled.predict(["card", "film"])
    found = labelled.predict([BLANK[0], "card", *BLANK[1:], "film"])
    assert [x is None for x in found] == [True, False, True, True, False]
    assert [x for x in found if x is not None] == expected
    assert labelled.predict(BLANK) == [None] * 3


def test_of_a_pair_either_side(paired):
    found = paired.predict([("card", "film"), ("", "film"), ("card", " "), {"text": "a"} | _PAIR])
    assert [x is None for x in found] == [False, True, True, False]
    with pytest.raises(TextError, match="text 1: the text pair is empty"):
        paired.predict([("card", "film"), ("card", " ")], blank="raise")


_PAIR = {"text_pair": "b"}


def test_of_a_number(tiny_model_folder):
    rows = [{"text": f"card {'film ' * (i % 4)}", "stars": float(i % 4)} for i in range(30)]
    model = fit(rows, tiny_model_folder, task="text-regression", label="stars")
    found = model.predict(["card", *BLANK])
    assert isinstance(found[0].value, float)
    assert found[1:] == [None] * 3


def test_of_entities_in_a_text_or_in_words(tiny_model_folder):
    entity = {"start": 0, "end": 4, "label": "THING"}
    rows = [{"text": f"card {i} here", "entities": [entity]} for i in range(30)]
    assert fit(rows, tiny_model_folder).predict(["", "card here"])[0] is None
    rows = [{"tokens": ["card", str(i)], "tags": ["B-THING", "O"]} for i in range(30)]
    found = fit(rows, tiny_model_folder).predict([["card"], [], ["\u200b"]])
    assert [x is None for x in found] == [False, True, True]


def test_its_probabilities_are_nan_and_a_warning_counts_it(labelled):
    expected = labelled.predict_proba(["card", "film"])
    with pytest.warns(UserWarning, match=r"\(2 of 4, the first is text 1\) have NaN") as said:
        found = labelled.predict_proba(["card", "", "film", " "])
    assert said[0].filename == __file__
    assert np.isnan(found[[1, 3]]).all()
    assert np.array_equal(found[[0, 2]], expected)
    with pytest.warns(UserWarning, match="NaN"):
        assert np.isnan(labelled.predict_proba(BLANK)).all()


def test_it_is_not_scored(labelled):
    right = [x.label for x in labelled.predict(["card", "film"])]
    with pytest.warns(UserWarning, match=r"\(1 of 3, the first is text 1\) are not scored"):
        assert labelled.score(["card", "", "film"], [right[0], "card", right[1]]) == 1.0
    with pytest.raises(InputError, match="no row can be scored: the texts of all 3 are empty"):
        labelled.score(BLANK, ["card"] * 3)


def test_it_is_an_error_where_that_is_asked_for(labelled):
    for ask in (labelled.predict, labelled.predict_proba):
        with pytest.raises(TextError, match="text 1: the text is empty"):
            ask(["card", ""], blank="raise")
        with pytest.raises(ConfigError, match="blank is 'nan'; expected 'skip' or 'raise'"):
            ask(["card"], blank="nan")
    with pytest.raises(TextError, match="text 1: the text is empty"):
        labelled.answers(["card", ""])


def test_numbers_in_errors_count_it(labelled):
    with pytest.raises(TextError, match="text 2: the text is read in"):
        labelled.predict(["", "card", "card " * 2000], max_windows=1)
    with pytest.raises(TextError, match="text 2 is None"):
        labelled.predict(["", "card", None])


def test_the_command_line_says_the_same(labelled, tmp_path, capsys):
    labelled.save(tmp_path / "model")
    texts = ["card", *BLANK, "film"]
    table = tmp_path / "t.jsonl"
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert main(["predict", str(tmp_path / "model"), str(table), "--device", "cpu"]) == 0
    found = [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()]
    said = [None if x is None else x.to_json() for x in labelled.predict(texts)]
    assert [x and x["label"] for x in found] == [x and x["label"] for x in said]
