"""The document of the routes against the routes."""

from __future__ import annotations

import re

import pytest
from route_bodies import BODIES

from glossator.serving.access import OPEN
from glossator.serving.contract import OPERATIONS, document

JSON = "application/json"


def of_routes(client):
    return {(m, x.path) for x in client.endpoint.app.routes for m in x.methods - {"HEAD"}}


def test_every_route_is_told_of_and_nothing_else(client, keys):
    found = client.get("/openapi.json", headers=keys.header()).json()
    told = {(m.upper(), path) for path, each in found["paths"].items() for m in each}
    assert told == of_routes(client) == OPERATIONS.keys()


def refs(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for each in value.values():
            yield from refs(each)
    elif isinstance(value, list):
        for each in value:
            yield from refs(each)


def test_every_schema_that_is_named_is_there_and_used():
    found = document()
    named = {x.removeprefix("#/components/schemas/") for x in refs(found)}
    assert named == found["components"]["schemas"].keys()


def test_operations_have_names_of_their_own_and_say_who_may_ask():
    names = []
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert (operation.get("security") == []) is (path in OPEN)
            parameters = {x["name"] for x in operation["parameters"]}
            assert parameters == set(re.findall(r"\{(\w+)\}", path))
    assert len(set(names)) == len(names)


def fits(schema, value, every):
    """Whether a value is of a schema, as far as ours go."""
    if "$ref" in schema:
        return fits(every[schema["$ref"].rpartition("/")[2]], value, every)
    if "anyOf" in schema:
        return any(fits(each, value, every) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    types = {
        "object": dict, "array": list, "string": str, "number": (int, float), "integer": int,
        "boolean": bool, "null": type(None),
    }  # fmt: skip
    kinds = schema.get("type", list(types))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(isinstance(value, types[kind]) for kind in kinds):
        return False
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return set(schema.get("required", ())) <= value.keys() and all(
            fits(fields[name], each, every) for name, each in value.items() if name in fields
        )
    if isinstance(value, list) and "items" in schema:
        return all(fits(schema["items"], each, every) for each in value)
    return True


@pytest.fixture
def answers(client, keys):
    """Each operation asked with a good body, without a key, and with a bad body."""
    version = client.get("/v1/models/topics", headers=keys.header()).json()["version"]
    found = []
    for (method, path), operation in OPERATIONS.items():
        url = path.replace("{model}", "topics").replace("{version}", version)
        good = BODIES[operation.body] if operation.body else None
        for headers, body in ((keys.header(), good), ({}, good), (keys.header(), {"x": 1})):
            sent = None if good is None else body
            found.append((method, path, client.request(method, url, headers=headers, json=sent)))
        absent = url.replace("topics", "absent")
        found.append(
            (method, path, client.request(method, absent, headers=keys.header(), json=good))
        )
    return found


def test_answers_are_as_the_document_says(answers):
    found = document()
    every = found["components"]["schemas"]
    for method, path, response in answers:
        responses = found["paths"][path][method.lower()]["responses"]
        where = (method, path, response.status_code, response.text[:200])
        assert str(response.status_code) in responses, where
        content = responses[str(response.status_code)]["content"]
        kind = response.headers["content-type"].partition(";")[0]
        assert list(content) == [kind], where
        if kind == JSON:
            assert fits(content[kind]["schema"], response.json(), every), where


def test_the_detector_finds_an_answer_of_another_shape():
    every = document()["components"]["schemas"]
    error = {"error": {"kind": "a", "message": "b"}, "request_id": "1"}
    assert fits(every["Error"], error, every)
    assert not fits(every["Error"], {"error": "a", "request_id": "1"}, every)
    assert not fits(every["Error"], {"error": {"kind": "a"}}, every)
    assert not fits(every["Models"], {"object": "list", "data": [{"id": 5}]}, every)
