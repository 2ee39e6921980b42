"""Personal data in answers, hidden where that is asked."""

from __future__ import annotations

import pytest

from glossator.errors import ModelFolderError
from glossator.models.config import RuntimeConfig
from glossator.serving.masks import Masks, ModelNames

PREDICT = "/v1/models/topics/predict"
TEXT = "the card 4111 1111 1111 1111 of a@b.example"
HIDDEN = "the card [CARD] of [EMAIL]"


def ask(client, keys, **body):
    return client.post(PREDICT, headers=keys.header(), json=body)


def test_a_request_asks_for_it(client, keys):
    plain = ask(client, keys, inputs=[TEXT]).json()
    assert "masked" not in plain
    found = ask(client, keys, inputs=[TEXT, "", {"text": TEXT}], mask=True).json()
    assert found["masked"] == [HIDDEN, None, {"text": HIDDEN}]
    assert found["predictions"][0].keys() == plain["predictions"][0].keys()
    assert ask(client, keys, inputs=[TEXT], mask="yes").status_code == 400


def test_an_endpoint_that_masks_does_it_unless_told_otherwise(made, keys):
    client = made(masks=Masks(always=True))
    assert ask(client, keys, inputs=[TEXT]).json()["masked"] == [HIDDEN]
    assert "masked" not in ask(client, keys, inputs=[TEXT], mask=False).json()


def test_what_a_prediction_quotes_is_masked_as_in_the_text():
    masks = Masks()
    at = TEXT.index("4111")
    prediction = {
        "label": "card",
        "score": 0.5,
        "entities": [
            # Half of the number is none by itself.
            {"start": at, "end": at + 9, "text": TEXT[at : at + 9], "label": "x"},
            {"start": 0, "end": 3, "text": "the", "label": "y"},
            {"start": 0, "end": 3, "text": "a@b.example", "label": "y"},
        ],
        "text": TEXT,
    }
    masked, found = masks.answered({"q": ["what?", TEXT], "n": 3}, prediction)
    assert masked == {"q": ["what?", HIDDEN], "n": 3}
    assert [x["text"] for x in found["entities"]] == ["[CARD]", "the", "[EMAIL]"]
    assert found["text"] == HIDDEN
    assert (found["label"], found["score"]) == ("card", 0.5)
    assert found["entities"][0]["end"] == at + 9


def test_texts_for_a_log_are_cut_once_they_are_masked():
    (found,) = Masks().texts("x" * 1_995 + " 4111 1111 1111 1111 and more")
    assert found == "x" * 1_995 + " [CAR"


def test_names_come_from_whoever_finds_them():
    masks = Masks(lambda text: [(0, 4)] if text.startswith("Anna") else [])
    masked, found = masks.answered("Anna left", {"text": "Anna left", "label": "Anna"})
    assert masked == "[NAME] left"
    # A label is no text of the client's, and no model is asked about it.
    assert found == {"text": "[NAME] left", "label": "Anna"}


def test_a_model_that_finds_no_names_is_refused(model_folder):
    with pytest.raises(ModelFolderError, match="--mask-names asks for a model that finds entities"):
        ModelNames.open(model_folder, RuntimeConfig())


def test_a_model_of_entities_finds_names(tiny_model_folder, tmp_path):
    import glossator

    people, places = ["ann", "bob", "eve"], ["rome", "oslo", "kiev"]
    rows = []
    for i in range(60):
        who, where = people[i % 3], places[i % 3]
        text = f"{who} went to {where}"
        begins = text.index(where)
        spans = [
            {"start": 0, "end": 3, "label": "PER"},
            {"start": begins, "end": begins + 4, "label": "LOC"},
        ]
        rows.append({"text": text, "entities": spans})
    folder = tmp_path / "names"
    glossator.fit(
        rows,
        task="token-classification",
        model=str(tiny_model_folder),
        output=str(folder),
        epochs=12,
        learning_rate=3e-3,
        seed=1,
        progress=False,
    )
    names = ModelNames.open(folder, RuntimeConfig(threads=1))
    assert list(names("bob went to rome")) == [(0, 3)]
    assert list(names(" ")) == []
    assert Masks(names).texts("bob went to rome") == ["[NAME] went to rome"]
