"""Routes that clients of other servers ask, in the shapes that these clients send and expect."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest
from route_bodies import BODIES

import glossator
from glossator.errors import ConfigError
from glossator.serving.config import LimitConfig, ServeConfig

TEXTS = ["the card was 1", "the film was 2", "the market was 3"]
TEI_INFO = {
    "model_id", "model_sha", "model_dtype", "model_type", "max_concurrent_requests",
    "max_input_length", "max_batch_tokens", "max_batch_requests", "max_client_batch_size",
    "auto_truncate", "tokenization_workers", "version", "sha", "docker_label",
}  # fmt: skip


@pytest.fixture
def post(client, keys):
    def post(path, body, key="predict"):
        return client.post(path, headers=keys.header(key), json=body)

    return post


@pytest.fixture(scope="session")
def pair_folder(tiny_model_folder, tmp_path_factory):
    """A classifier of pairs of texts."""
    rows = [
        {"text": f"it {i}", "text_pair": f"is {i % 2}", "label": ("no", "yes")[i % 2]}
        for i in range(40)
    ]
    folder = tmp_path_factory.mktemp("served") / "pairs"
    glossator.fit(
        rows, model=str(tiny_model_folder), output=str(folder), epochs=1, seed=1, progress=False
    )
    return folder


@pytest.fixture(scope="session")
def embedder_folder(tiny_model_folder, tmp_path_factory):
    """A model of vectors, in which texts that are to be found have a prefix."""
    rows = [{"text": f"the card {i}", "text_pair": f"a film {i}"} for i in range(24)]
    folder = tmp_path_factory.mktemp("served") / "embedder"
    glossator.fit(
        rows, task="feature-extraction", model=str(tiny_model_folder), output=str(folder),
        epochs=1, normalize=False, pair_prefix="bank ", progress=False,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def tasks_folder(tiny_model_folder, tmp_path_factory):
    """Two tasks on one encoder: classes of texts, and choices, whose columns are others."""
    words = ("card", "film")
    rows = [{"task": "topic", "text": f"the {words[i % 2]} {i}", "label": i % 2} for i in range(24)]
    rows += [
        {"task": "which", "question": f"{words[i % 2]} {i}", "choices": words, "answer": i % 2}
        for i in range(24)
    ]
    folder = tmp_path_factory.mktemp("served") / "tasks"
    glossator.fit(
        rows, task="multi-task", model=str(tiny_model_folder), output=str(folder), epochs=1,
        test_fraction=0.0, progress=False,
    )  # fmt: skip
    return folder


@pytest.fixture
def embedding(made, keys, model_folder, embedder_folder):
    """Posts to an endpoint of a classifier and a model of vectors."""
    client = made({"topics": model_folder, "embedder": embedder_folder})

    def post(path, body):
        return client.post(path, headers=keys.header(), json=body)

    return post


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


# text-embeddings-inference


def by_label(found):
    return {x["label"]: x["score"] for x in found}


def test_a_text_is_answered_with_a_list_and_several_with_lists(post, model_folder):
    one = post("/predict", {"inputs": TEXTS[0]}).json()
    same = post("/predict", {"inputs": [TEXTS[0]]}).json()
    several = post("/predict", {"inputs": [[text] for text in TEXTS]}).json()
    model = glossator.load(model_folder)
    chances = model.predict_proba(TEXTS)
    assert one == same
    assert by_label(one) == pytest.approx(by_label(several[0]), abs=1e-5)
    assert [len(x) for x in several] == [3, 3, 3]
    for found, expected in zip(several, chances, strict=True):
        assert [x.keys() for x in found] == [{"score", "label"}] * 3
        assert [x["score"] for x in found] == sorted((x["score"] for x in found), reverse=True)
        right = dict(zip(model.classes_, expected, strict=True))
        assert by_label(found) == pytest.approx(right, abs=1e-5)


def test_a_list_of_two_texts_is_a_pair(made, keys, pair_folder):
    client = made({"pairs": pair_folder})

    def post(inputs):
        return client.post("/predict", headers=keys.header(), json={"inputs": inputs})

    one = post(["it 3", "is 1"]).json()
    assert by_label(one).keys() == {"no", "yes"}
    several = post([["it 3", "is 1"], ["it 4", "is 0"]]).json()
    assert by_label(several[0]) == pytest.approx(by_label(one), abs=1e-5)
    assert post("it 3").status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": ""},
        {"inputs": []},
        {"inputs": 5},
        {"inputs": [[]]},
        {"inputs": [["a", "b", "c"]]},
        {"inputs": ["a", "b", "c"]},
        {"inputs": ["a", ["b"]]},
        {"inputs": [[5]]},
        {"inputs": "a", "raw_scores": True},
        {"inputs": [["a"], [" "]]},
    ],
)
def test_what_cannot_be_read_is_told_in_their_form(post, body):
    found = post("/predict", body)
    assert found.status_code == 422
    assert found.json().keys() == {"error", "error_type", "request_id"}
    assert found.json()["error_type"] == "Validation"


def test_too_many_and_too_busy_have_their_types(made, keys):
    client = made(limits=LimitConfig(max_inputs=2))
    many = client.post("/predict", headers=keys.header(), json={"inputs": [["a"]] * 3})
    assert (many.status_code, many.json()["error_type"]) == (413, "Validation")
    busy = made(limits=LimitConfig(deadline=1e-9))
    late = busy.post("/predict", headers=keys.header(), json={"inputs": "a"})
    assert (late.status_code, late.json()["error_type"]) == (503, "Overloaded")
    assert late.headers["retry-after"] == "1"


def test_fields_that_other_clients_send_beside_are_no_hindrance(post):
    body = {"inputs": "a", "truncate": False, "raw_scores": False, "parameters": {"top_k": 2}}
    assert post("/predict", body).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/embed", {"inputs": TEXTS}),
        ("/embed", {"inputs": "a", "normalize": True, "truncate": False}),
        ("/rerank", {"query": "a", "texts": TEXTS, "return_text": True}),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": TEXTS}}),
    ],
)
def test_what_no_model_does_says_so(post, path, body):
    found = post(path, body)
    assert found.status_code == 424
    assert found.json()["error_type"] == "Backend"
    assert "topics (text-classification)" in found.json()["error"]
    assert post(path, {}).status_code == 422


@pytest.mark.parametrize("name", ["\ud800", "a" * 201, "\u00e9"])
def test_an_id_that_cannot_be_told_is_refused(client, keys, name):
    body = json.dumps({**BODIES["V2Request"], "id": name})
    headers = {**keys.header(), "Content-Type": "application/json"}
    found = client.post("/v2/models/topics/infer", headers=headers, content=body)
    assert found.status_code == 400
    assert "'id' must be ASCII" in found.json()["error"]


def test_info_is_that_of_the_model_that_answers(made, keys):
    limits = LimitConfig(max_requests=7, max_waiting=11, max_inputs=13, max_tokens=17)
    client = made(limits=limits, config=ServeConfig(token_budget=19))
    found = client.get("/info", headers=keys.header()).json()
    assert found.keys() == TEI_INFO
    assert found["model_id"] == "topics"
    labels = found["model_type"]["classifier"]["id2label"]
    assert set(labels.values()) == {"card", "film", "market"}
    assert found["model_type"]["classifier"]["label2id"] == {x: int(i) for i, x in labels.items()}
    # "The maximum amount of concurrent requests for this particular deployment."
    assert found["max_concurrent_requests"] == 7
    assert found["max_client_batch_size"] == 13
    assert (found["max_input_length"], found["max_batch_tokens"]) == (17, 19)


def test_texts_are_embedded_as_the_model_does(embedding, embedder_folder):
    expected = glossator.load(embedder_folder).embed(TEXTS)
    plain = embedding("/embed", {"inputs": TEXTS, "normalize": False}).json()
    np.testing.assert_allclose(plain, expected, atol=1e-5)
    scaled = embedding("/embed", {"inputs": TEXTS}).json()
    np.testing.assert_allclose(scaled, unit(expected), atol=1e-5)
    one = embedding("/embed", {"inputs": TEXTS[0]}).json()
    np.testing.assert_allclose(one, scaled[:1], atol=1e-5)


def test_texts_to_be_found_have_their_prefix(embedding, embedder_folder):
    model = glossator.load(embedder_folder)
    found = embedding("/embed", {"inputs": TEXTS, "prompt_name": "document"}).json()
    np.testing.assert_allclose(found, unit(model.embed(TEXTS, document=True)), atol=1e-5)
    assert np.abs(np.array(found) - unit(model.embed(TEXTS))).max() > 1e-3
    body = {"inputs": {"source_sentence": "the card", "sentences": TEXTS}}
    expected = unit(model.embed(TEXTS, document=True)) @ unit(model.embed(["the card"]))[0]
    np.testing.assert_allclose(embedding("/similarity", body).json(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/embed", {"inputs": [["a", "b"]]}),
        ("/embed", {"inputs": [1]}),
        ("/embed", {"inputs": "a", "prompt_name": "other"}),
        ("/embed", {"inputs": ["a", " "]}),
        ("/similarity", {"inputs": {"source_sentence": "a"}}),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": [1]}}),
        ("/similarity", {"inputs": {"sentences": ["a"]}}),
    ],
)
def test_what_cannot_be_embedded_says_why(embedding, path, body):
    found = embedding(path, body)
    assert found.status_code == 422
    assert found.json()["error_type"] == "Validation"


@pytest.fixture(scope="session")
def ranker_folder(tiny_model_folder, tmp_path_factory):
    """A model that puts texts in order."""
    words = ("card", "film", "market")
    rows = [
        {"text": f"the {query} {i}", "text_pair": f"a {text}", "label": int(query == text)}
        for i in range(8)
        for query in words
        for text in words
    ]
    folder = tmp_path_factory.mktemp("served") / "ranker"
    glossator.fit(
        rows, task="text-ranking", model=str(tiny_model_folder), output=str(folder), epochs=2,
        batch_size=9, learning_rate=3e-3, progress=False,
    )  # fmt: skip
    return folder


def test_texts_are_put_in_order_for_a_query(made, keys, ranker_folder, model_folder):
    client = made({"topics": model_folder, "ranker": ranker_folder})
    body = {"query": "the film 7", "texts": ["a card", "a film", "a market"], "return_text": True}
    found = client.post("/rerank", headers=keys.header(), json=body).json()
    model = glossator.load(ranker_folder)
    scores = [x.score for x in model.predict([(body["query"], text) for text in body["texts"]])]
    order = np.argsort([-x for x in scores]).tolist()
    assert [x["index"] for x in found] == order
    assert [x["text"] for x in found] == [body["texts"][i] for i in order]
    assert [x["score"] for x in found] == pytest.approx([scores[i] for i in order], abs=1e-5)
    alone = made({"ranker": ranker_folder}).get("/info", headers=keys.header()).json()
    assert alone["model_type"].keys() == {"reranker"}


def test_a_question_is_counted_with_each_of_its_choices(made, keys, tasks_folder, monkeypatch):
    client = made({"tasks": tasks_folder}, LimitConfig(max_body=1_000))

    def ask(question, count):
        given = {"task": "which", "question": question, "choices": ["card"] * count}
        path = "/v1/models/tasks/predict"
        return client.post(path, headers=keys.header(), json={"inputs": [given]})

    assert ask("the film", 60).status_code == 200  # 720 characters
    task = client.endpoint.models.get("tasks").predictor.task
    monkeypatch.setattr(type(task), "encode", None)
    found = ask("the film" * 2, 60)
    assert (found.status_code, found.json()["error"]["kind"]) == (413, "too_long")
    assert found.json()["error"]["message"].startswith("1,200 characters, each counted as often")


@pytest.mark.parametrize(
    "body",
    [
        {"query": "a", "texts": []},
        {"query": "a", "texts": [1]},
        {"query": " ", "texts": ["a"]},
        {"query": "a", "texts": ["a"], "raw_scores": True},
        {"texts": ["a"]},
    ],
)
def test_what_cannot_be_ranked_says_why(made, keys, ranker_folder, body):
    client = made({"ranker": ranker_folder})
    found = client.post("/rerank", headers=keys.header(), json=body)
    assert (found.status_code, found.json()["error_type"]) == (422, "Validation")


def test_a_query_is_counted_with_each_of_its_texts(made, keys, ranker_folder, monkeypatch):
    """Or a small body would be an hour's work for whoever reads it."""
    client = made({"ranker": ranker_folder}, LimitConfig(max_body=1_000))

    def ask(query, texts):
        body = {"query": query, "texts": texts}
        return client.post("/rerank", headers=keys.header(), json=body)

    assert ask("the film", ["a card"] * 60).status_code == 200  # 840 characters
    task = client.endpoint.models.get("ranker").predictor.task
    monkeypatch.setattr(task, "encode", None)  # nothing is cut any more
    found = ask("the film" * 2, ["a card"] * 60)
    assert (found.status_code, found.json()["error_type"]) == (413, "Validation")
    assert found.json()["error"].startswith("1,320 characters, each counted as often as it is read")


def test_info_tells_how_vectors_are_made(made, keys, embedder_folder):
    client = made({"embedder": embedder_folder})
    found = client.get("/info", headers=keys.header()).json()
    assert found.keys() == TEI_INFO
    assert found["model_type"] == {"embedding": {"pooling": "mean"}}


# Which model


def test_of_several_models_none_is_guessed(made, keys, model_folder):
    client = made({"topics": model_folder, "other": model_folder})
    found = client.post("/predict", headers=keys.header(), json={"inputs": "a"})
    assert found.status_code == 400
    for name in ("topics (text-classification)", "other (text-classification)", "--default"):
        assert name in found.json()["error"]
    keys.make("limited", models=["other"])
    limited = client.get("/info", headers=keys.header("limited"))
    assert limited.json()["model_id"] == "other"


def test_the_default_answers(made, keys, model_folder):
    config = ServeConfig(default=("text-classification=other",))
    client = made({"topics": model_folder, "other": model_folder}, config=config)
    assert client.get("/info", headers=keys.header()).json()["model_id"] == "other"
    client.endpoint.models.remove("other")
    assert client.get("/info", headers=keys.header()).json()["model_id"] == "topics"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("other",), "expected TASK=MODEL"),
        (("text-classification=absent",), "there are: text-classification=topics"),
        (("fill-mask=topics",), "there are: text-classification=topics"),
        (("text-classification=topics", "text-classification=other"), "two models"),
    ],
)
def test_a_default_that_is_none_is_refused_at_the_start(made, model_folder, given, message):
    folders = {"topics": model_folder, "other": model_folder}
    with pytest.raises(ConfigError, match=message):
        made(folders, config=ServeConfig(default=given))


# OpenAI


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "topics", "input": "a", "encoding_format": "base64"}, 400, "no_model"),
        ({"model": "topics", "input": ["a", "b"]}, 400, "no_model"),
        ({"model": "topics", "input": [[1, 2], [3]]}, 400, "bad_request"),
        ({"model": "topics", "input": "a", "encoding_format": "hex"}, 400, "bad_request"),
        ({"model": "absent", "input": "a"}, 404, "model_not_found"),
        ({"input": "a"}, 400, "bad_request"),
        ({"model": "topics", "input": ""}, 400, "bad_request"),
        ({"model": "topics", "input": {}}, 400, "bad_request"),
    ],
)
def test_embeddings_are_refused_in_the_form_of_openai(post, body, status, code):
    found = post("/v1/embeddings", body)
    error = found.json()["error"]
    assert (found.status_code, error["code"]) == (status, code)
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_clients_of_openai_get_vectors(embedding, embedder_folder):
    expected = glossator.load(embedder_folder).embed(TEXTS)
    found = embedding("/v1/embeddings", {"model": "embedder", "input": TEXTS}).json()
    assert [x["index"] for x in found["data"]] == [0, 1, 2]
    np.testing.assert_allclose([x["embedding"] for x in found["data"]], expected, atol=1e-5)
    assert found["usage"]["prompt_tokens"] == found["usage"]["total_tokens"] > 0
    # What their client asks for unless it is told otherwise.
    body = {"model": "embedder", "input": TEXTS[0], "encoding_format": "base64"}
    (one,) = embedding("/v1/embeddings", body).json()["data"]
    vector = np.frombuffer(base64.b64decode(one["embedding"]), "<f4")
    np.testing.assert_allclose(vector, expected[0], atol=1e-5)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "topics", "input": "a"}, "no_embeddings"),
        ({"model": "embedder", "input": "a", "dimensions": 7}, "bad_request"),
        ({"model": "embedder", "input": ["a", ""]}, "bad_text"),
    ],
)
def test_what_gives_no_vector_says_why(embedding, body, code):
    found = embedding("/v1/embeddings", body)
    assert found.status_code in (400, 422)
    assert found.json()["error"]["code"] == code


def test_models_are_listed_as_openai_lists_them(client, keys):
    found = client.get("/v1/models", headers=keys.header()).json()
    assert found["object"] == "list"
    assert found["data"][0].keys() >= {"id", "object", "created", "owned_by"}


# Open Inference Protocol


def tensor(data, name="text", **given):
    return {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data, **given}


def outputs(response):
    assert response.status_code == 200, response.text
    return {x["name"]: x for x in response.json()["outputs"]}


def test_the_server_and_its_models_tell_of_themselves(client, keys):
    def get(path):
        return client.get(path, headers=keys.header())

    assert get("/v2").json().keys() == {"name", "version", "extensions"}
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    told = get("/v2/models/topics").json()
    assert told["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert {x["name"]: x["shape"] for x in told["outputs"]} == {
        "predictions": [-1],
        "probabilities": [-1, 3],
        "classes": [3],
    }
    (version,) = told["versions"]
    assert get(f"/v2/models/topics/versions/{version}").json() == told
    assert get("/v2/models/topics/versions/2").status_code == 404
    assert get("/v2/models/topics/ready").json() == {"name": "topics", "ready": True}
    assert get("/v2/models/absent/ready").status_code == 404
    client.endpoint.health.ready = False
    assert get("/v2/health/ready").status_code == get("/v2/models/topics/ready").status_code == 503
    assert get("/v2/health/live").status_code == 200


def test_tensors_are_answered_with_what_predict_writes(post, model_folder):
    response = post("/v2/models/topics/infer", {"id": "7", "inputs": [tensor(TEXTS)]})
    found = outputs(response)
    told = response.json()
    assert (told["model_name"], told["id"]) == ("topics", "7")
    model = glossator.load(model_folder)
    expected = [x.to_json() for x in model.predict(TEXTS)]
    answers = [json.loads(x) for x in found["predictions"]["data"]]
    assert [x["label"] for x in answers] == [x["label"] for x in expected]
    assert [x.keys() for x in answers] == [x.keys() for x in expected]
    assert found["classes"]["data"] == list(model.classes_)
    assert found["probabilities"]["shape"] == [3, 3]
    flat = model.predict_proba(TEXTS).ravel().tolist()
    assert found["probabilities"]["data"] == pytest.approx(flat, abs=1e-5)


def test_shapes_of_one_column_and_nested_data_are_read(post):
    flat = outputs(post("/v2/models/topics/infer", {"inputs": [tensor(TEXTS)]}))
    for data in (TEXTS, [[text] for text in TEXTS]):
        body = {"inputs": [tensor(data, shape=[3, 1])]}
        assert outputs(post("/v2/models/topics/infer", body)) == flat


def test_a_tensor_for_each_column(made, keys, pair_folder):
    client = made({"pairs": pair_folder})
    body = {"inputs": [tensor(["it 3", "it 4"]), tensor(["is 1", "is 0"], "text_pair")]}
    found = client.post("/v2/models/pairs/infer", headers=keys.header(), json=body)
    assert outputs(found)["predictions"]["shape"] == [2]
    body["inputs"].pop()
    assert (
        client.post("/v2/models/pairs/infer", headers=keys.header(), json=body).status_code == 422
    )


def test_what_is_asked_of_the_answers(post):
    body = {
        "inputs": [tensor(TEXTS)],
        "outputs": [{"name": "predictions"}],
        "parameters": {"top_k": 1, "priority": 3},
    }
    found = outputs(post("/v2/models/topics/infer", body))
    assert list(found) == ["predictions"]
    assert all(len(json.loads(x)["labels"]) == 1 for x in found["predictions"]["data"])


def binary(texts):
    return b"".join(struct.pack("<I", len(x.encode())) + x.encode() for x in texts)


def test_binary_tensors_go_in_and_out(client, keys):
    texts = ["the card — 卡", "the film"]
    data = binary(texts)
    told = {"name": "text", "shape": [2, 1], "datatype": "BYTES"}
    head = {
        "inputs": [{**told, "parameters": {"binary_data_size": len(data)}}],
        "parameters": {"binary_data_output": True},
    }
    text = json.dumps(head).encode()
    headers = {**keys.header(), "Inference-Header-Content-Length": str(len(text))}
    found = client.post("/v2/models/topics/infer", headers=headers, content=text + data)
    assert found.status_code == 200
    length = int(found.headers["inference-header-content-length"])
    sizes = [
        x["parameters"]["binary_data_size"] for x in json.loads(found.content[:length])["outputs"]
    ]
    assert len(found.content) == length + sum(sizes)
    plain = client.post(
        "/v2/models/topics/infer", headers=keys.header(), json={"inputs": [tensor(texts)]}
    )
    expected = outputs(plain)
    numbers = struct.unpack("<6f", found.content[length + sizes[0] : length + sizes[0] + 24])
    assert list(numbers) == pytest.approx(expected["probabilities"]["data"], abs=1e-5)
    assert found.content.endswith(binary(expected["classes"]["data"]))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": [5]},
        {"inputs": [{}]},
        {"inputs": [tensor(["a"], "no name")]},
        {"inputs": [tensor(["a"], "other")]},
        {"inputs": [tensor(["a"], datatype="FP32")]},
        {"inputs": [tensor([5])]},
        {"inputs": [tensor("a")]},
        {"inputs": [tensor(["a"], shape=[2])]},
        {"inputs": [tensor(["a"], shape=[-1])]},
        {"inputs": [tensor(["a"], shape=[True])]},
        {"inputs": [tensor(["a"], shape=[1, 1, 1])]},
        {"inputs": [tensor(["a"], shape="1")]},
        {"inputs": [tensor(["a"]), tensor(["a"])]},
        {"inputs": [tensor(["a"]), tensor(["a", "b"], "text_pair")]},
        {"inputs": [tensor(["a"], parameters={"binary_data_size": 10**9})]},
        {"inputs": [tensor(["a"], parameters=5)]},
        {"inputs": [tensor(["a"])], "parameters": 5},
        {"inputs": [tensor(["a"])], "parameters": {"top_k": 0}},
        {"inputs": [tensor(["a"])], "parameters": {"beams": 5}},
        {"inputs": [tensor(["a"])], "outputs": 5},
        {"inputs": [tensor(["a"])], "outputs": [{"name": "other"}]},
        {"inputs": [tensor(["a", " "])]},
    ],
)
def test_tensors_that_are_none_are_refused(post, body):
    found = post("/v2/models/topics/infer", body)
    assert found.status_code in (400, 422), found.text
    assert isinstance(found.json()["error"], str)


@pytest.mark.parametrize("length", ["-1", "1e3", "99999", "", "²", "9" * 5_000])
def test_a_false_length_of_the_head_is_refused(client, keys, length):
    headers = {**keys.header(), "Inference-Header-Content-Length": length.encode()}
    found = client.post("/v2/models/topics/infer", headers=headers, content=b"{}")
    assert found.status_code == 400


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", b"\x05\0\0\0a", b"\xff\xff\xff\xff", b"\x01\0\0\0\xff", binary(["a"]) + b"x"],
)
def test_binary_data_that_is_cut_off_is_refused(client, keys, data):
    told = {"name": "text", "shape": [1], "datatype": "BYTES"}
    for size in {len(data), 5}:
        head = {"inputs": [{**told, "parameters": {"binary_data_size": size}}]}
        text = json.dumps(head).encode()
        headers = {**keys.header(), "Inference-Header-Content-Length": str(len(text))}
        found = client.post("/v2/models/topics/infer", headers=headers, content=text + data)
        assert found.status_code == 400


def test_other_types_are_refused_here_too(client, keys):
    headers = {**keys.header(), "Content-Type": "text/plain"}
    assert client.post("/v2/models/topics/infer", headers=headers, content=b"{}").status_code == 415


def test_a_key_is_refused_in_the_form_of_the_route(client):
    assert isinstance(client.get("/v2").json()["error"], str)
    assert client.post("/predict", json={}).json()["error_type"] == "Validation"


def test_rows_of_several_tasks_are_read_by_their_columns(made, keys, tasks_folder):
    """Those that only some of the tasks read are tensors too."""
    client = made({"tasks": tasks_folder})
    told = client.get("/v2/models/tasks", headers=keys.header()).json()
    assert [x["name"] for x in told["inputs"]] == ["task", "text", "choices", "question"]

    def ask(*given):
        url, body = "/v2/models/tasks/infer", {"inputs": list(given)}
        found = outputs(client.post(url, headers=keys.header(), json=body))
        return [json.loads(each)["tasks"] for each in found["predictions"]["data"]]

    topics = ask(tensor(["topic", "topic"], "task"), tensor(["the card", "the film"]))
    assert [x.keys() for x in topics] == [{"topic"}] * 2
    (found,) = ask(
        tensor(["film 3"], "question"), tensor(["card", "film"], "choices", shape=[1, 2])
    )
    assert [x["text"] for x in found["which"]["choices"]] == ["card", "film"]
