"""Folders that are served as what they were not trained for."""

from __future__ import annotations

import pickle
import shutil

import pytest

import glossator
from glossator.artifact.opening import OpenedAs, opened_asks
from glossator.cli import main
from glossator.errors import ConfigError, ModelFolderError
from glossator.serving.config import ServeConfig
from glossator.serving.endpoint import named_folders

ZERO, VECTORS = "zero-shot-classification", "feature-extraction"
LABELS = {"card": "i lost the card", "film": "great film", "market": "the market fell"}
TYPED = ",".join(f"{name}={text}" for name, text in LABELS.items())
TEXTS = ["the card", "a film", "the market fell today"]
UNVERIFIED = ServeConfig(allow_unverified=True)


def answers(client, keys, name="tiny", **body):
    found = client.post(
        f"/v1/models/{name}/predict", headers=keys.header(), json={"inputs": TEXTS, **body}
    )
    assert found.status_code == 200, found.text
    return found.json()["predictions"]


@pytest.fixture
def tiny(made, tiny_model_folder):
    """A client of the small encoder, which answers nothing by itself, as a task."""

    def make(task=ZERO, config=UNVERIFIED, **asks):
        told = OpenedAs(task=task, asks=opened_asks(task, asks))
        return made({"tiny": tiny_model_folder}, config=config, opened_as=told)

    return make


def test_labels_of_the_command_are_those_of_every_answer(tiny, keys, tiny_model_folder):
    client = tiny(labels=TYPED)
    (model,) = client.get("/v1/models", headers=keys.header()).json()["data"]
    assert model["task"] == ZERO
    expected = glossator.load(tiny_model_folder, task=ZERO, labels=LABELS).predict(TEXTS)
    found = answers(client, keys)
    assert [x["label"] for x in found] == [x.label for x in expected]
    others = answers(client, keys, options={"labels": "a,b"})
    assert {x["label"] for x in others} <= {"a", "b"}
    again = answers(client, keys)
    assert [x["label"] for x in again] == [x["label"] for x in found]


def test_a_file_of_labels_is_read_where_the_command_is_run(tiny, keys, tmp_path):
    path = tmp_path / "labels.toml"
    path.write_text('seen = "great film"\ngone = "i lost the card"\n')
    client = tiny(labels=str(path))
    path.unlink()
    assert {x["label"] for x in answers(client, keys)} <= {"seen", "gone"}


def test_what_was_read_is_sent_to_other_machines_as_it_is(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("text,label\ngreat film,film\nthe card,card\n")
    asks = opened_asks(ZERO, {"labels": "card,film=a film", "examples": str(path)})
    told = OpenedAs(task=ZERO, asks=asks)
    assert pickle.loads(pickle.dumps(told)) == told


def test_vectors_with_the_prefix_of_the_command(tiny, keys, tiny_model_folder):
    client = tiny(VECTORS, prefix="query: ", pair_prefix="passage: ")
    plain = glossator.load(tiny_model_folder, task=VECTORS)
    for document, prefix in ((False, "query: "), (True, "passage: ")):
        found = answers(client, keys, options={"document": document})
        expected = plain.embed([prefix + text for text in TEXTS])
        for one, other in zip(found, expected, strict=True):
            assert one["embedding"] == pytest.approx(other.tolist(), abs=1e-5)
    embedded = client.post("/embed", headers=keys.header(), json={"inputs": TEXTS})
    assert embedded.status_code == 200


@pytest.mark.parametrize(
    ("task", "asks", "error", "said"),
    [
        (ZERO, {}, ConfigError, "asks for --labels"),
        (ZERO, {"labels": "one"}, ConfigError, "--labels has one label"),
        (VECTORS, {"document": True}, ConfigError, "with each predict, not by load"),
        ("fill-mask", {}, ConfigError, "opens its own folders alone"),
    ],
)
def test_what_cannot_be_answered_is_no_endpoint(tiny, task, asks, error, said):
    with pytest.raises(error, match=said):
        tiny(task, **asks)


def test_a_folder_that_nothing_vouches_for_takes_the_flag_as_ever(tiny):
    with pytest.raises(ModelFolderError, match="--allow-unverified"):
        tiny(labels=TYPED, config=ServeConfig())


def test_what_an_administrator_loads_is_opened_as_it_says_itself(
    made, keys, model_folder, tiny_model_folder, tmp_path
):
    shutil.copytree(model_folder, tmp_path / "root" / "topics")
    told = OpenedAs(task=ZERO, asks={"labels": LABELS})
    config = ServeConfig(allow_unverified=True, models_root=str(tmp_path / "root"))
    client = made({"tiny": tiny_model_folder}, config=config, opened_as=told)
    done = client.post("/v1/models/topics", headers=keys.header("admin"), json={})
    assert done.status_code == 201, done.text
    tasks = {
        x["id"]: x["task"] for x in client.get("/v1/models", headers=keys.header()).json()["data"]
    }
    assert tasks == {"tiny": ZERO, "topics": "text-classification"}


def test_a_starter_is_served_by_its_name(tmp_path, monkeypatch, tiny_model_folder):
    monkeypatch.setenv("GLOSSATOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match="glossator starter add minilm"):
        named_folders(["minilm"])
    folder = shutil.copytree(tiny_model_folder, tmp_path / "cache" / "starters" / "minilm")
    assert named_folders(["minilm", "other=minilm"]) == {"minilm": folder, "other": folder}
    (tmp_path / "minilm").mkdir()
    assert named_folders(["minilm"])["minilm"].resolve() == tmp_path / "minilm"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--labels", "a,b"], "--labels asks for --task"),
        (["--prefix", "query: "], "--prefix asks for --task"),
        (["--task", "zero-shot"], "there is no task 'zero-shot'"),
        (["--task", VECTORS, "--labels", "a,b"], "--labels is no option of feature-extraction"),
        (["--task", ZERO, "--labels", "absent.toml"], "absent.toml: no such file"),
        (["--task", ZERO, "--labels", "a,a"], "label 'a' stands 2 times"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(capsys, model_folder, words, said):
    assert main(["serve", str(model_folder), "--port", "0", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert said in line
