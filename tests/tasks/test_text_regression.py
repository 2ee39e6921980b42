"""Numbers: read as they are, learned without their units, answered in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator.artifact.opening import load
from glossator.finetuning.fit import fit
from glossator.tasks.kinds.text_regression.config import Options
from glossator.tasks.kinds.text_regression.reading import NumberExaminer, NumberReader
from glossator.tasks.kinds.text_regression.task import KIND
from glossator.tasks.task import Base
from glossator.text.preflight import preflight
from glossator.text.records import Record
from glossator.text.rows import Rejection, Row

COLUMNS = {"text": ("text",), "label": ("stars",)}
ROWS = [{"text": f"card {'film ' * (i % 9)}", "stars": 1000 + 50 * (i % 9)} for i in range(60)]


def read(value):
    reader = NumberReader(COLUMNS, Options())
    return reader.read(Row("t.csv", 4, {"text": "a", "stars": value}), targets=True)


@pytest.mark.parametrize(
    ("value", "number"), [("3", 3.0), (" 2.5e1 ", 25.0), (4, 4.0), (-1.5, -1.5)]
)
def test_numbers_are_read_as_they_are(value, number):
    assert read(value).target == number


@pytest.mark.parametrize(
    "value", ["good", "4,5", "nan", "inf", "1_000", True, None, [3], "3 stars"]
)
def test_what_is_no_number_is_rejected_by_name(value):
    found = read(value)
    assert isinstance(found, Rejection)
    assert (found.kind, found.line) == ("not_a_number", 4)
    assert "expected a number" in found.message


def test_an_empty_cell_is_called_empty():
    assert read(" ").kind == "empty_label"


def looked_at(values):
    return preflight(map(read, values), examiner=NumberExaminer())


def test_a_column_that_is_half_numbers_is_refused():
    checked = looked_at(["1", "good", "2", "bad"])
    (error,) = [x for x in checked.findings if x.kind == "few_numbers"]
    assert error.severity == "error"
    assert "t.csv:4" in error.message
    assert not [x for x in looked_at(["1", "2"] * 20 + ["x"]).findings if x.severity == "error"]


def test_a_constant_is_refused():
    (error,) = [x for x in looked_at(["3", "3.0"]).findings if x.severity == "error"]
    assert "every row has the number 3" in error.message


def test_what_the_folder_holds_answers_in_units(tiny_model_folder, tmp_path):
    model = fit(
        ROWS, task="text-regression", label="stars", model=str(tiny_model_folder), epochs=12,
        learning_rate=3e-3, output=tmp_path / "stars", batch_size=8,
    )  # fmt: skip
    values = [model.predict([row["text"]])[0].value for row in ROWS[:9]]
    assert 900 < np.mean(values) < 1500
    again = load(tmp_path / "stars")
    assert [again.predict([row["text"]])[0].value for row in ROWS[:9]] == values
    # Learning again begins with what was learned, whatever the new scale.
    records = [
        Record(Row("t", i, row), (row["text"],), float(row["stars"]) * 2, (row["text"],))
        for i, row in enumerate(ROWS[:30])
    ]
    base = Base.of(tmp_path / "stars")
    task = KIND.learn(records, base, COLUMNS, Options())
    begun = task.build(base, 0)
    rows = task.encode(records[:9])
    batch = task.collate([row[0] for row in rows], 0)
    first = [float(x[0]) for x in task.answer(begun.eval(), batch)]
    assert first == pytest.approx(values, rel=1e-4)
    task.finish(begun)
    assert [float(x[0]) for x in task.answer(begun, batch)] == pytest.approx(values, rel=1e-4)


def test_folding_changes_no_answer(tiny_model_folder):
    records = [Record(Row("t", i, {}), ("card",), float(i), ("card week",)) for i in range(5)]
    base = Base.of(tiny_model_folder)
    task = KIND.learn(records, base, COLUMNS, Options())
    model = task.build(base, 0).eval()
    batch = task.collate([row[0] for row in task.encode(records)], 0)
    before = torch.tensor(np.concatenate(task.answer(model, batch)))
    task.finish(model)
    after = torch.tensor(np.concatenate(task.answer(model, batch)))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-5)
