"""What a model folder holds, and that it is the one that was written."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil

import pytest

from glossator.artifact.folder import read_details
from glossator.artifact.manifest import MANIFEST, verify, write_manifest
from glossator.artifact.opening import load
from glossator.errors import ChangedFileError, ModelFolderError, OutputExistsError
from glossator.tasks.kinds.text_classification.config import Options

NAMES = [
    "README.md",
    "config.json",
    "glossator.json",
    "metrics.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
]


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)


def test_the_folder_holds_what_the_design_draws(saved):
    assert sorted(path.name for path in saved.iterdir()) == sorted([*NAMES, MANIFEST])
    manifest = json.loads((saved / MANIFEST).read_text())
    assert manifest["files"] == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in NAMES
    }
    settings = json.loads((saved / "glossator.json").read_text())
    assert settings["opens_as"] == "AutoModelForSequenceClassification"
    assert settings["task"] == "text-classification"
    assert settings["columns"] == {"text": ["title", "body"], "label": ["intent"]}
    assert settings["decision"] == {"temperature": 1.7, "threshold": None, "least": None}
    assert settings["limits"] == {"max_length": 32}
    assert settings["format"] == 2
    assert settings["learned"] == {"pair": False}
    assert settings["options"] == dataclasses.asdict(Options())
    assert "heads" not in settings
    assert {"glossator", "torch", "python"} <= settings["versions"].keys()
    config = json.loads((saved / "config.json").read_text())
    assert config["id2label"] == {"0": "card", "1": "film", "2": "market"}
    assert config["label2id"] == {"card": 0, "film": 1, "market": 2}
    assert config["problem_type"] == "single_label_classification"


def test_details_come_back(predictor, saved):
    assert read_details(saved, max_length=64) == predictor.details
    assert read_details(saved, max_length=8).max_length == 8


def test_two_saves_are_the_same_bytes(predictor, saved, tmp_path):
    predictor.save(tmp_path / "again")
    for path in saved.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_which_one_byte_was_changed_is_refused_by_name(saved, name):
    size = (saved / name).stat().st_size
    for place in (0, size // 2, size - 1):
        flip(saved / name, place)
        with pytest.raises(ChangedFileError, match=f"{name} was changed") as caught:
            load(saved)
        assert caught.value.file == str(saved / name)
        flip(saved / name, place)
    load(saved)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing_is_refused_by_name(saved, name):
    (saved / name).unlink()
    with pytest.raises(ChangedFileError, match=f"{name} is missing"):
        load(saved)


def test_without_its_manifest_a_folder_of_ours_is_refused(saved):
    (saved / MANIFEST).unlink()
    with pytest.raises(ModelFolderError, match=r"manifest\.json is missing"):
        load(saved)


def test_every_byte_of_the_manifest_counts(saved):
    size = (saved / MANIFEST).stat().st_size
    for place in range(size - 1):  # the last one ends the line
        flip(saved / MANIFEST, place)
        with pytest.raises(ModelFolderError):
            verify(saved)
        flip(saved / MANIFEST, place)
    verify(saved)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"tokenizer_config.json"}))
def test_a_manifest_that_leaves_a_file_out_vouches_for_nothing(saved, name):
    manifest = json.loads((saved / MANIFEST).read_text())
    del manifest["files"][name]
    (saved / MANIFEST).write_text(json.dumps(manifest))
    flip(saved / name, 5)
    with pytest.raises(ModelFolderError, match=f"does not name {name}"):
        load(saved)


@pytest.mark.parametrize("name", ["../model/config.json", "/etc/passwd", "a\\b", "..", ""])
def test_a_manifest_that_names_a_path_outside_is_refused(saved, name):
    manifest = json.loads((saved / MANIFEST).read_text())
    manifest["files"][name] = "00"
    (saved / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelFolderError, match="unsafe file name"):
        load(saved)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1, "files": []}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(saved, content):
    (saved / MANIFEST).write_text(content)
    with pytest.raises(ModelFolderError):
        load(saved)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("format", 3, "has format 3, this version reads 1 to 2; a newer glossator"),
        ("decision", {"warmth": 1}, "malformed"),
        ("decision", None, "malformed"),
        ("limits", {}, "malformed"),
        ("limits", {"max_length": "long"}, "malformed"),
        ("task", ..., "malformed"),
    ],
)
def test_settings_that_another_program_wrote_are_refused(saved, field, value, message):
    settings = json.loads((saved / "glossator.json").read_text())
    settings[field] = value
    if value is ...:
        del settings[field]
    (saved / "glossator.json").write_text(json.dumps(settings))
    write_manifest(saved)
    with pytest.raises(ModelFolderError, match=message) as caught:
        load(saved)
    assert caught.value.file == str(saved / "glossator.json")


def test_a_folder_that_exists_is_replaced_only_when_told(predictor, saved, tmp_path):
    with pytest.raises(OutputExistsError, match="--overwrite"):
        predictor.save(saved)
    before = (saved / "model.safetensors").read_bytes()
    predictor.save(saved, overwrite=True)
    assert (saved / "model.safetensors").read_bytes() == before
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter-1.tex").write_text("years of work")
    with pytest.raises(OutputExistsError, match="nothing that --overwrite may replace"):
        predictor.save(other, overwrite=True)
    assert (other / "chapter-1.tex").exists()


def test_a_model_saves_itself_over_its_own_folder(saved):
    model = load(saved)
    model.save(saved, overwrite=True)
    assert load(saved).predict(["card"]) == model.predict(["card"])


def test_a_model_can_be_saved_when_its_folder_is_gone(saved, tmp_path):
    model = load(saved)
    expected = model.predict(["where is my card"])
    shutil.rmtree(saved)
    model.save(tmp_path / "elsewhere")
    assert load(tmp_path / "elsewhere").predict(["where is my card"]) == expected


def test_where_there_is_no_folder(tmp_path):
    with pytest.raises(ModelFolderError, match="nowhere does not exist"):
        load(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="file is a file; expected a model folder"):
        load(tmp_path / "file")
