"""Labels that are numbers or booleans come back as such, here and from the folder."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import glossator
from glossator.artifact.manifest import write_manifest
from glossator.errors import InputError, ModelFolderError

TEXTS = ["good film", "bad film", "slow story", "great team"]
# What labels a column has, the classes in their order, and a target of another type.
COLUMNS = {
    "integers": ([0, 1, 2, 10], [0, 1, 2, 10], "1"),
    "negative": ([-1, 1], [-1, 1], True),
    "booleans": ([True, False], [False, True], 1),
    "floats": ([1.0, 2.5], [1.0, 2.5], "1.0"),
    "mixed numbers": ([1, 2.5], [1.0, 2.5], "1"),
    "numpy": ([np.int64(3), np.int64(4)], [3, 4], "3"),
    "numpy booleans": ([np.True_, np.False_], [False, True], "true"),
    "strings": (["0", "1"], ["0", "1"], 1),
}


def rows_of(labels):
    return [
        {"text": f"{TEXTS[number % 4]} {number}", "label": labels[number % len(labels)]}
        for number in range(40)
    ]


def fit(data, model, **options):
    usual = {"epochs": 1, "precision": "float32", "device": "cpu"}
    return glossator.fit(data, model=str(model), **usual, **options)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_type_that_they_had(name, tiny_model_folder, tmp_path):
    labels, classes, stranger = COLUMNS[name]
    made = fit(rows_of(labels), tiny_model_folder, output=tmp_path / "model")
    for model in (made, glossator.load(tmp_path / "model")):
        assert model.classes_.tolist() == classes
        assert [type(x) for x in model.classes_.tolist()] == [type(x) for x in classes]
        answers = model.predict(TEXTS)
        found = [answer.label for answer in answers]
        assert all(type(label) is type(classes[0]) for label in found)
        assert model.classes_[model.predict_proba(TEXTS).argmax(1)].tolist() == [
            answer.labels[0].label for answer in answers
        ]
        assert model.score(TEXTS, found) == model.score(TEXTS, np.array(found)) == 1.0
        other = [next(x for x in classes if x != label) for label in found]
        assert model.score(TEXTS, [*other[:1], *found[1:]]) == 0.75
        with pytest.raises(InputError, match=r"is of type .*; expected a (string|boolean|number)"):
            model.score(TEXTS, [stranger] * 4)
        written = json.loads(json.dumps(answers[0].to_json()))
        assert written["label"] == found[0]
        assert type(written["label"]) is type(classes[0])
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert all(isinstance(label, str) for label in config["id2label"].values())
    learned = json.loads((tmp_path / "model" / "glossator.json").read_text())["learned"]
    assert learned.get("values", ["0", "1"]) == classes


@pytest.mark.parametrize(
    ("labels", "classes"), [([[1, 2], [10]], [1, 2, 10]), ([["a"], []], ["a"])]
)
def test_several_labels_a_row(labels, classes, tiny_model_folder, tmp_path):
    fit(rows_of(labels), tiny_model_folder, output=tmp_path / "model")
    model = glossator.load(tmp_path / "model")
    assert model.classes_.tolist() == classes
    found = [[x.label for x in answer.labels] for answer in model.predict(TEXTS)]
    assert all(label in classes for row in found for label in row)
    assert model.score(TEXTS, found) == 1.0
    with pytest.raises(InputError, match="expected a"):
        model.score(TEXTS, [["1"] if classes[0] == 1 else [1]] * 4)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, "1"], r"numbers: 20, the first 1 at row:1; strings: 20, the first '1' at row:2"),
        ([1, True], r"numbers: 20, the first 1 at row:1; booleans: 20, the first True"),
        ([1, 1.0, 2], r"written in two ways \(1 and 1\.0 at row:5\)"),
        ([[1], ["1"]], "several types"),
    ],
)
def test_types_that_are_mixed_are_refused_by_name(labels, said, tiny_model_folder):
    with pytest.raises(InputError, match=said):
        fit(rows_of(labels), tiny_model_folder)


@pytest.mark.parametrize("seed", range(4))
def test_one_row_of_another_type_is_found_in_whatever_part_it_is(seed, tiny_model_folder):
    rows = rows_of([0, 1])
    rows[7]["label"] = "1"
    with pytest.raises(InputError, match="strings: 1, the first '1' at row:8"):
        fit(rows, tiny_model_folder, seed=seed)


def test_numbers_of_json_lines_and_parquet_and_text_of_csv(tiny_model_folder, tmp_path):
    rows = rows_of([0, 1])
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    with open(tmp_path / "a.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["text", "label"], *(row.values() for row in rows)])
    found = {
        name: fit(tmp_path / name, tiny_model_folder).classes_.tolist()
        for name in ("a.jsonl", "a.parquet", "a.csv")
    }
    assert found == {"a.jsonl": [0, 1], "a.parquet": [0, 1], "a.csv": ["0", "1"]}
    both = fit(tmp_path / "a.jsonl", tiny_model_folder, dev=str(tmp_path / "a.csv"))
    assert both.classes_.tolist() == [0, 1]
    assert both.details.metrics["dev"]["unknown_labels"] == 0


def test_a_folder_whose_values_are_of_other_labels(tiny_model_folder, tmp_path):
    fit(rows_of([0, 1]), tiny_model_folder, output=tmp_path / "model")
    for values in ([0], [0, "1"], 7, [], [0, None]):
        folder = tmp_path / "broken"
        shutil.copytree(tmp_path / "model", folder)
        settings = json.loads((folder / "glossator.json").read_text())
        settings["learned"]["values"] = values
        (folder / "glossator.json").write_text(json.dumps(settings))
        write_manifest(folder)
        with pytest.raises(ModelFolderError, match=r"glossator\.json: malformed"):
            glossator.load(folder)
        shutil.rmtree(folder)
