"""Labels that a request asks for, of a folder that keeps its own."""

from __future__ import annotations

import pytest

import glossator

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
