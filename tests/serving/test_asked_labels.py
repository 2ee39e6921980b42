"""Labels that a request asks for, of a folder that keeps its own."""

from __future__ import annotations

import pytest

import glossator
from glossator.models import checkpoint
from glossator.serving.config import LimitConfig
from glossator.serving.models import Asked
from glossator.text.tokenizer import Tokenizer

PREDICT = "/v1/models/labels/predict"


@pytest.fixture(scope="module")
def labels_folder(tiny_model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels") / "labels"
    labels = {"card": "i lost the card", "film": "great film"}
    model = glossator.load(tiny_model_folder, task="zero-shot-classification", labels=labels)
    model.save(folder)
    return folder


@pytest.fixture
def ask(made, labels_folder, keys):
    client = made({"labels": labels_folder})

    def ask(**options):
        body = {"inputs": ["great film", "i lost the card"], "options": options}
        return client.post(PREDICT, headers=keys.header(), json=body)

    return ask


def labels_of(response):
    assert response.status_code == 200, response.text
    return [one["label"] for one in response.json()["predictions"]]


def test_a_folder_answers_by_the_labels_it_keeps_or_by_those_of_a_request(ask):
    assert labels_of(ask()) == ["film", "card"]
    assert labels_of(ask(labels="seen=great film,gone=i lost the card")) == ["seen", "gone"]
    assert labels_of(ask()) == ["film", "card"]


@pytest.mark.parametrize(
    "options",
    [
        {"labels": "one"},
        {"labels": "a,a"},
        {"labels": 3},
        {"labels": "a,b", "multi_label": True},
        {"labels": "a,b", "template": "no place"},
        {"template": 5},
    ],
)
def test_labels_that_are_none_are_refused(ask, options):
    response = ask(**options)
    assert response.status_code == 400
    assert response.json()["error"]["kind"] == "bad_request"


def test_no_file_of_this_machine_is_read(ask, tmp_path):
    (tmp_path / "labels.toml").write_text('secret = "great film"\nother = "a bank"\n')
    (tmp_path / "few.csv").write_text("text,label\ngreat film,card\nthe card,film\n")
    assert ask(labels=str(tmp_path / "labels.toml")).status_code == 400
    response = ask(labels="card,film", examples=str(tmp_path / "few.csv"))
    assert response.status_code == 400
    found = labels_of(ask(labels=f"{tmp_path / 'labels.toml'},film"))
    assert set(found) <= {str(tmp_path / "labels.toml"), "film"}


def test_what_labels_ask_the_model_to_read_is_counted(made, labels_folder, keys):
    """Or a small text could keep the model busy for as long as its labels are."""
    client = made({"labels": labels_folder}, limits=LimitConfig(max_tokens=200, max_body=2_000))

    def ask(labels, count=1):
        body = {"inputs": ["great film"] * count, "options": {"labels": labels}}
        return client.post(PREDICT, headers=keys.header(), json=body)

    long = f"a={'great film ' * 20},b"
    found = ask(long)
    assert (found.status_code, found.json()["error"]["kind"]) == (413, "too_long")
    assert ask("seen=great film,gone=i lost the card").status_code == 200
    served = client.endpoint.models.get("labels")
    asked = Asked(wishes=(("labels", long),))
    first, second = served.read(["great film", "great film"], asked)
    assert first.cost - second.cost == len("great film " * 20 + "b") - 1
    served.answer(asked, [first.item])
    again, _ = served.read(["great film", "great film"], asked)
    assert again.cost == second.cost  # it is remembered


def test_a_text_that_is_read_with_each_label_is_counted_so(made, tiny_model_folder, keys, tmp_path):
    folder = tmp_path / "pairs"
    checkpoint.save(checkpoint.load_classifier(tiny_model_folder, ("entailment", "other")), folder)
    Tokenizer.load(tiny_model_folder).save(folder)
    glossator.load(folder, task="zero-shot-classification", labels="a,b").save(tmp_path / "labels")
    client = made({"labels": tmp_path / "labels"}, limits=LimitConfig(max_body=2_000))

    def ask(count):
        labels = ",".join(f"l{i}" for i in range(count))
        body = {"inputs": ["film " * 20], "options": {"labels": labels}}
        return client.post(PREDICT, headers=keys.header(), json=body)

    assert ask(5).status_code == 200
    found = ask(30)
    assert (found.status_code, found.json()["error"]["kind"]) == (413, "too_long")
    assert "each counted as often as it is read" in found.json()["error"]["message"]
