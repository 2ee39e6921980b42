"""`glossator.fit`, as one writes it in a notebook."""

from __future__ import annotations

import datetime
import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import glossator
from glossator.errors import CheckpointError, ConfigError, InputError, TableError

QUICK = {"epochs": 1, "precision": "float32", "device": "cpu"}


def fit(data, model, **options):
    return glossator.fit(data, model=str(model), **{**QUICK, **options})


def test_the_lines_of_the_design(table, tiny_model_folder, tmp_path):
    model = fit(table, tiny_model_folder, output=tmp_path / "tickets-model")
    (answer,) = model.predict(["where is my card?"])
    assert answer.label in model.classes_
    assert model.predict_proba(["a", "b"]).sum(1) == pytest.approx([1, 1])
    assert 0 <= model.score(["good film", "bad film"], ["good", "bad"]) <= 1
    model.save(tmp_path / "copy")
    assert glossator.load(tmp_path / "copy").predict(["a"]) == model.predict(["a"])
    assert glossator.load(tmp_path / "tickets-model").predict(["a"]) == model.predict(["a"])


@pytest.mark.parametrize("kind", ["str", "path", "list", "rows", "iterator"])
def test_data_in_any_form_is_the_same_data(table, rows, tiny_model_folder, kind):
    data = {
        "str": str(table),
        "path": table,
        "list": [table],
        "rows": rows,
        "iterator": iter(rows),
    }[kind]
    model = fit(data, tiny_model_folder)
    expected = fit(rows, tiny_model_folder)
    assert np.array_equal(model.answers(["good"]).raw, expected.answers(["good"]).raw)


def test_a_data_frame(rows, tiny_model_folder):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows).rename(columns={"text": "message", "label": "intent"})
    frame["intent"] = (frame["intent"] == "good").astype(int)
    model = fit(frame, tiny_model_folder, text="message", label="intent")
    assert model.classes_.tolist() == [0, 1]


def test_what_looks_like_a_data_frame(rows, tiny_model_folder):
    class Frame:
        columns = ("text", "label")

        def to_dict(self, orient):
            assert orient == "records"
            return rows

    assert fit(Frame(), tiny_model_folder).classes_.tolist() == ["bad", "good"]


def test_columns_by_name(tiny_model_folder, rows):
    renamed = [{"a": row["text"], "b": "of", "y": row["label"]} for row in rows]
    model = fit(renamed, tiny_model_folder, text=["a", "b"], label="y")
    assert model.details.columns == {"text": ("a", "b"), "label": ("y",)}


def test_other_columns_may_hold_anything(tiny_model_folder, rows, tmp_path):
    """They are written beside the predictions, after training: nothing may fail there."""
    odd = [None, float("nan"), datetime.date(2026, 1, 1), {1, 2}, b"\xff", np.float32(1), object()]
    for number, row in enumerate(rows):
        row["more"] = odd[number % len(odd)]
    fit(rows, tiny_model_folder, output=tmp_path / "model", test_fraction=0.5)
    lines = (tmp_path / "model.run" / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == 30
    assert all("more" in json.loads(line) for line in lines)


def test_a_test_table_by_path(table, rows, tiny_model_folder):
    model = fit(rows, tiny_model_folder, test=table)
    assert model.details.metrics["test"]["unknown_labels"] == 0
    assert [file["name"] for file in model.details.data] == ["rows in memory", "reviews.jsonl"]


def test_options_go_where_they_belong(rows, tiny_model_folder):
    model = fit(rows, tiny_model_folder, max_length=16, dev_fraction=0.0, threads=1, dev=None)
    assert model.details.max_length == 16
    assert "dev" not in model.details.metrics
    assert model.runtime.threads == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 3}, "unknown option 'epoch'; there are: .*; did you mean 'epochs'"),
        ({"learning_rates": 3}, "did you mean 'learning_rate'"),
        ({"trak": "wandb"}, "did you mean 'track'"),
        ({"epochs": "three"}, "epochs is 'three'; expected int"),
        ({"schedule": "sawtooth"}, "expected one of: linear, cosine, constant"),
        ({"device": "cpux"}, "--device must be"),
        ({"test": [{"text": "a", "label": "b"}]}, "test is .*; expected str"),
        ({"text": 3}, "text"),
        ({"label": ["a", "b"]}, "--label names one column, got 2: a, b"),
    ],
)
def test_wrong_options_are_named(rows, tiny_model_folder, options, message):
    with pytest.raises(ConfigError, match=message):
        fit(rows, tiny_model_folder, **options)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"text": ["a"], "label": ["b"]}, "expected a list of mappings"),
        ([], "no table and no row"),
        ("nowhere.csv", "nowhere"),
        ([{"text": "a", "label": "b"}], "only one row"),
        ([{"text": "a", "label": "b"}, {"text": "c", "label": "b"}], "two are needed to learn"),
        ([{"text": "", "label": "b"}] * 5, "no row can be used"),
        ([{"text": "a", "label": "b"}, {"text": "c", "label": "d"}], "no row|too few"),
    ],
)
def test_wrong_data_is_named(tiny_model_folder, data, message):
    with pytest.raises(InputError, match=message):
        fit(data, tiny_model_folder)


def test_a_missing_column_lists_those_there_are(table, tiny_model_folder):
    with pytest.raises(TableError, match=r"column 'txet' is not in .*it has: text, label.*'text'"):
        fit(table, tiny_model_folder, text="txet")


def test_a_finished_run_is_loaded_and_not_repeated(rows, tiny_model_folder, tmp_path):
    options = {"model": str(tiny_model_folder), "epochs": 1, "output": tmp_path / "m"}
    first = glossator.fit(rows, **options)
    written = (tmp_path / "m" / "model.safetensors").stat().st_mtime_ns
    again = glossator.fit(rows, **options, resume=True)
    assert (tmp_path / "m" / "model.safetensors").stat().st_mtime_ns == written
    text = [rows[0]["text"]]
    assert (again.predict_proba(text) == first.predict_proba(text)).all()


FINISHED = {
    "options": ({"epochs": 2}, "epochs was 1, is 2"),
    "task's option": ({"label_smoothing": 0.1}, "label-smoothing was"),
    "column": ({"text": "review"}, "column 'review' is not in"),
    "rows": ({"rows": 1}, "begun with other train rows"),
    "split": ({"seed": 3}, "seed was 0, is 3"),
    "weights": ({"model": "other"}, "begun with other first weights"),
}


@pytest.mark.parametrize("change", FINISHED)
def test_a_finished_run_of_other_things_is_refused(
    change, rows, tiny_model_folder, tmp_path, tiny_weights
):
    options = {"model": str(tiny_model_folder), "epochs": 1, "output": tmp_path / "m"}
    glossator.fit(rows, **options)
    other, said = FINISHED[change]
    left_out = other.get("rows", 0)
    changed = {**options, **{name: x for name, x in other.items() if name != "rows"}}
    if change == "weights":
        changed["model"] = str(tiny_weights)
    with pytest.raises(InputError, match=said):
        glossator.fit(rows[left_out:], **changed, resume=True)
    free = {"checkpoint_steps": 7, "time_limit": "1h", "threads": 1}
    assert glossator.fit(rows, **options, **free, resume=True).details.finished


@pytest.fixture
def tiny_weights(tiny_model_folder, tmp_path):
    """The tiny model with one weight that is another."""
    folder = shutil.copytree(tiny_model_folder, tmp_path / "other-weights")
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[name].view(-1)[0] += 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_the_rate_that_auto_found_is_that_of_the_finished_run(rows, tiny_model_folder, tmp_path):
    options = {"model": str(tiny_model_folder), "epochs": 1, "output": tmp_path / "m"}
    glossator.fit(rows, **options, learning_rate="auto")
    assert glossator.fit(rows, **options, learning_rate="auto", resume=True).details.finished
    with pytest.raises(CheckpointError, match=r"learning-rate was .*, is 0\.5"):
        glossator.fit(rows, **options, learning_rate=0.5, resume=True)


def test_rows_that_are_left_out_are_warned_of(rows, tiny_model_folder, tmp_path):
    rows[3]["text"], rows[7]["text"] = " ", ""
    with pytest.warns(UserWarning, match="2 of 60 rows cannot be used") as found:
        glossator.fit(rows, model=str(tiny_model_folder), epochs=1, output=tmp_path / "m")
    (warned,) = [x for x in found if "rows" in str(x.message)]
    assert "2 rows with an empty text" in str(warned.message)
    assert str(tmp_path / "m.run" / "rejected.jsonl") in str(warned.message)
    assert warned.filename == __file__
    assert len((tmp_path / "m.run" / "rejected.jsonl").read_text().splitlines()) == 2


def test_whoever_watches_is_told_and_not_warned(rows, tiny_model_folder):
    """The control: warnings are errors here."""
    from glossator.finetuning.watch import Watch

    told = []

    class Told(Watch):
        def preflight(self, findings, rows):
            told.append(rows.rejected)

    rows[3]["text"] = " "
    glossator.fit(rows, model=str(tiny_model_folder), epochs=1, watch=Told())
    assert told == [1]
