"""What a request may ask of a model that goes on with texts, and until when it goes on."""

from __future__ import annotations

import json
import threading

import pytest

from glossator.models.causal import CausalLanguageModel
from glossator.pretraining.config import (
    CorpusConfig,
    ObjectiveConfig,
    PretrainConfig,
    StartConfig,
)
from glossator.pretraining.run import run_pretrain
from glossator.serving.config import LimitConfig
from glossator.serving.contract import document
from glossator.tasks.registry import configs
from glossator.training.config import TrainingConfig

PATIENCE = 60  # seconds that a test waits for what must come
PREDICT = "/v1/models/stories/predict"
INFER = "/v2/models/stories/infer"
TENSOR = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["the film"]}


@pytest.fixture(scope="module")
def stories_folder(corpus_file, tokenizer_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories") / "stories"
    config = PretrainConfig(
        objective=ObjectiveConfig(objective="clm", length=128),
        start=StartConfig(tokenizer=str(tokenizer_folder), size="tiny", family="gpt2"),
        corpus=CorpusConfig(dev_fraction=0.1, boilerplate=0),
        training=TrainingConfig(max_steps=1, batch_size=4),
    )
    run_pretrain([str(corpus_file)], config, output=folder)
    return folder


@pytest.fixture
def stories(made, stories_folder):
    return lambda **given: made({"stories": stories_folder}, **given)


@pytest.fixture
def ask(stories, keys):
    client = stories()

    def ask(path=PREDICT, **options):
        body = {"inputs": ["the film"], "options": options}
        if path == INFER:
            body = {"inputs": [TENSOR], "parameters": options}
        return client.post(path, headers=keys.header(), json=body)

    return ask


@pytest.mark.parametrize("path", [PREDICT, INFER])
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"beams": 16, "max_new_tokens": 2}, 200),
        ({"beams": 17, "max_new_tokens": 2}, 422),
        ({"beams": 1_000}, 422),
        ({"max_new_tokens": 4_096}, 200),
        ({"max_new_tokens": 4_097}, 422),
        ({"beams": 10**400}, 422),
        ({"beams": 0}, 400),
        ({"beams": 17.0}, 400),
        ({"beams": "17"}, 400),
        ({"beams": True}, 400),
        ({"beams": None}, 400),
        ({"temperature": 1e-300}, 400),
        ({"temperature": 0.01, "max_new_tokens": 2}, 200),
        ({"temperature": 1e300, "max_new_tokens": 2}, 200),
        ({"temperature": 1.0, "top_p": 1e-300, "max_new_tokens": 2}, 200),
        ({"temperature": 1.0, "seed": 2**63, "max_new_tokens": 2}, 400),
        ({"temperature": 1.0, "seed": 2**63 - 1, "max_new_tokens": 2}, 200),
        ({"temperature": 1.0, "seed": -1, "max_new_tokens": 2}, 400),
    ],
)
def test_so_much_may_be_asked_and_no_more(ask, path, options, status):
    found = ask(path, **options)
    assert found.status_code == status, found.text
    assert len(found.content) < 4_000
    if status == 422:
        (name,) = (x for x in options if options[x] > 4)
        assert f"'{name}' may be" in found.text


def test_the_document_says_how_much_may_be_asked():
    told = document()["components"]["schemas"]["Asked"]["properties"]["options"]["properties"]
    assert told["beams"] == {"type": "integer", "minimum": 1, "maximum": 16}
    assert told.keys() == {name for config in configs() for name in config.most}


@pytest.fixture
def steps(monkeypatch):
    """Counts the steps of the model, which waits after the first one for `go`."""
    return Steps(monkeypatch)


class Steps:
    def __init__(self, monkeypatch):
        self.count, self.busy, self.go = 0, threading.Event(), threading.Event()
        logits = CausalLanguageModel.logits

        def counted(model, x):
            if x.shape[0] == 4:  # the beams that the tests ask for, once there are as many
                self.count += 1
                self.busy.set()
                assert self.go.wait(PATIENCE)
            return logits(model, x)

        monkeypatch.setattr(CausalLanguageModel, "logits", counted)


BODY = {"inputs": ["the film"], "options": {"beams": 4, "max_new_tokens": 90}}


def test_a_text_is_written_to_its_end_where_somebody_waits(stories, keys, steps):
    """Without whom the tests below would say nothing."""
    steps.go.set()
    found = stories().post(PREDICT, headers=keys.header(), json=BODY)
    assert found.status_code == 200
    assert steps.count > 10


def test_the_model_is_free_soon_after_its_client_left(stories, keys, live, steps, until):
    told = []
    client = stories(tell=told.append)
    server = live(client.app)
    connection = server.connection()
    headers = {**keys.header(), "Content-Type": "application/json"}
    connection.request("POST", PREDICT, json.dumps(BODY), headers)
    assert steps.busy.wait(PATIENCE)
    connection.close()
    until(lambda: [x.problem for x in told] == ["client_left"])
    steps.go.set()
    after = {"inputs": ["the card"], "options": {"max_new_tokens": 1}}
    assert server.ask("POST", PREDICT, headers, after)[0] == 200
    assert steps.count == 1


def test_the_model_is_free_soon_after_the_deadline(stories, keys, steps):
    client = stories(limits=LimitConfig(deadline=0.5))
    found = client.post(PREDICT, headers=keys.header(), json=BODY)
    assert (found.status_code, found.json()["error"]["kind"]) == (503, "deadline")
    assert found.headers["retry-after"] == "1"
    steps.go.set()
    client.endpoint.models.get("stories").batcher.close(PATIENCE)
    assert steps.count <= 1
