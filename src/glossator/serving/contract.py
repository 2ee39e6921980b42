"""`/openapi.json`: what the endpoint answers, in OpenAPI 3.1, written by hand.

An operation stands beside its statuses; what every route may answer is added to each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import glossator
from glossator.serving.access import OPEN
from glossator.serving.app import route
from glossator.serving.schemas import SCHEMAS

__all__ = ["OPERATIONS", "Operation", "contract_routes", "document"]

Method: TypeAlias = str

# Beside the statuses of an operation: refused by Host or Origin, for the key, or at the limits.
_EVERY = {403: "not for this key, or asked by a foreign page", 421: "called by an unknown name"}
_KEYED = {401: "no valid key", 429: "too many requests; see Retry-After"}
_POSTED = {
    400: "the request is malformed",
    413: "the request is too large",
    415: "the body is no JSON",
    422: "an input cannot be read, or an option asks for too much",
    500: "something went wrong",
    503: "too busy, or not in time; see Retry-After",
}
_NO_MODEL = {404: "there is no such model"}
_ABSENT = {424: "no model of the server does this"}
_NOT_READY = {503: "not ready"}
_CHANGED = {404: "there is no such model or folder", 409: "taken, or being loaded"}
_BEHIND = {202: "done here; other workers are behind still"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route as the document tells of it.

    Attributes:
        id: name of the operation.
        does: a sentence.
        body: name of the schema of what is sent; empty: nothing is.
        gives: name of the schema of a good answer; empty: it is `kind`.
        kind: media type of a good answer.
        error: name of the schema of an error.
        refused: statuses beside those that every route may answer, and what they mean.
        also: statuses of good answers beside 200.
    """

    id: str
    does: str
    body: str = ""
    gives: str = ""
    kind: str = "application/json"
    error: str = "Error"
    refused: Mapping[int, str]
    also: Mapping[int, str] = field(default_factory=dict)


def _get(id: str, does: str, **given: Any) -> Operation:
    return Operation(id=id, does=does, **{"refused": {}, **given})


def _tei(id: str, does: str, body: str, gives: str) -> Operation:
    return Operation(
        id=id, does=does, body=body, gives=gives, error="TeiError", refused={**_POSTED, **_ABSENT}
    )


def _v2(id: str, does: str, gives: str, refused: Mapping[int, str] | None = None) -> Operation:
    return Operation(id=id, does=does, gives=gives, error="V2Error", refused=refused or {})


_INFER = Operation(
    id="v2_infer",
    does="Answer rows of tensors.",
    body="V2Request",
    gives="V2Response",
    error="V2Error",
    refused={**_POSTED, **_NO_MODEL},
)
_V2_MODEL = _v2("v2_model", "What a model reads and gives.", "V2Model", _NO_MODEL)
_V2_READY = _v2("v2_model_ready", "Is a model ready?", "V2Ready", {**_NO_MODEL, **_NOT_READY})

OPERATIONS: dict[tuple[Method, str], Operation] = {
    ("GET", "/"): _get("page", "A page to try the models.", kind="text/html"),
    ("GET", "/static/icon.svg"): _get("page_icon", "Its icon.", kind="image/svg+xml"),
    ("GET", "/static/page.css"): _get("page_style", "Its style.", kind="text/css"),
    ("GET", "/static/page.js"): _get("page_script", "Its script.", kind="text/javascript"),
    ("GET", "/health"): _get(
        "health", "Can it be asked?", gives="Health", error="Health", refused=_NOT_READY
    ),
    ("GET", "/health/live"): _get("health_live", "Does it live?", gives="Health"),
    ("GET", "/health/ready"): _get(
        "health_ready", "Can it be asked?", gives="Health", error="Health", refused=_NOT_READY
    ),
    ("GET", "/openapi.json"): _get("contract", "This document.", gives="Any"),
    ("GET", "/v1/models"): _get("models", "The models that the key sees.", gives="Models"),
    ("GET", "/v1/models/{model}"): _get("model", "A model.", gives="Model", refused=_NO_MODEL),
    **{
        (method, "/v1/models/{model}"): Operation(
            id=f"{verb}_model",
            does=does,
            body="Change",
            gives="Model",
            refused={**_POSTED, **_CHANGED, 507: "there is no room for its bytes"},
            also={201: "it is new", **_BEHIND},
        )
        for method, verb, does in (
            ("POST", "load", "Serve a model folder under a name that is not taken."),
            ("PUT", "swap", "Serve a model folder, also in the place of another."),
        )
    },
    ("DELETE", "/v1/models/{model}"): Operation(
        id="unload_model",
        does="Serve a model no longer.",
        gives="Deleted",
        refused={**_CHANGED, 400: "the name cannot be one", 500: "something went wrong"},
        also=_BEHIND,
    ),
    ("GET", "/metrics"): _get("metrics", "Measurements, for Prometheus.", kind="text/plain"),
    ("POST", "/v1/models/{model}/predict"): Operation(
        id="predict",
        does="Answer inputs as `glossator predict` does.",
        body="Asked",
        gives="Answers",
        refused={**_POSTED, **_NO_MODEL},
    ),
    ("GET", "/v1/status"): _get(
        "status", "Load, latency and errors of the last minutes.", gives="Status"
    ),
    ("POST", "/v1/embeddings"): Operation(
        id="openai_embeddings",
        does="Embed texts, as OpenAI does.",
        body="EmbeddingsRequest",
        gives="Embeddings",
        error="OpenAIError",
        refused={**_POSTED, **_NO_MODEL},
    ),
    ("POST", "/predict"): _tei(
        "tei_predict", "Probabilities of classes.", "TeiPredict", "TeiClasses"
    ),
    ("POST", "/embed"): _tei("tei_embed", "Embed texts.", "TeiEmbed", "TeiVectors"),
    ("POST", "/rerank"): _tei("tei_rerank", "Rank texts for a query.", "TeiRerank", "TeiRanks"),
    ("POST", "/similarity"): _tei(
        "tei_similarity", "How alike texts are.", "TeiSimilarity", "Vector"
    ),
    ("GET", "/info"): _get(
        "tei_info",
        "The model that answers `/predict`.",
        gives="TeiInfo",
        error="TeiError",
        refused={400: "several models could be meant", **_ABSENT},
    ),
    ("GET", "/v2"): _v2("v2_server", "The server.", "V2Server"),
    ("GET", "/v2/health/live"): _v2("v2_live", "Does it live?", "V2Live"),
    ("GET", "/v2/health/ready"): _v2("v2_ready", "Can it be asked?", "V2Ready", _NOT_READY),
    **{
        (method, f"/v2/models/{{model}}{version}{end}"): operation
        for version in ("", "/versions/{version}")
        for method, end, operation in (
            ("GET", "", _V2_MODEL),
            ("GET", "/ready", _V2_READY),
            ("POST", "/infer", _INFER),
        )
    },
}


def document(operations: Mapping[tuple[Method, str], Operation] = OPERATIONS) -> dict[str, Any]:
    """The document of these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in operations.items():
        paths.setdefault(path, {})[method.lower()] = _told(path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Glossator endpoint",
            "version": glossator.__version__,
            "description": "Every route but the page and /health asks for a key.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def contract_routes() -> list[Route]:
    """`/openapi.json`."""
    found = document()

    async def tell(request: Request) -> Response:
        return JSONResponse(found)

    return [route("/openapi.json", tell, role="predict")]


def _told(path: str, operation: Operation) -> dict[str, Any]:
    refused = {**_EVERY, **({} if path in OPEN else _KEYED), **operation.refused}
    found: dict[str, Any] = {
        "operationId": operation.id + ("_of_version" if "{version}" in path else ""),
        "summary": operation.does,
        "parameters": _parameters(path),
        "responses": {
            **{
                str(status): _response(means, operation.kind, operation.gives)
                for status, means in {200: "the answer", **operation.also}.items()
            },
            **{
                str(status): _response(means, "application/json", _shape(status, operation))
                for status, means in sorted(refused.items())
            },
        },
    }
    if path in OPEN:
        found["security"] = []
    if operation.body:
        content = {"application/json": {"schema": _ref(operation.body)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _shape(status: int, operation: Operation) -> str:
    """Schema of an error; who asks from elsewhere is refused before the route is looked for."""
    if status == 421:
        return "Error"
    return "AnyError" if status == 403 else operation.error


def _parameters(path: str) -> Sequence[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _response(means: str, kind: str, schema: str) -> dict[str, Any]:
    return {
        "description": means,
        "content": {kind: {"schema": _ref(schema) if schema else {"type": "string"}}},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
