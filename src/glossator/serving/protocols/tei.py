"""The routes of text-embeddings-inference: of a server with one model, which is chosen.

Field names and shapes are those of its OpenAPI document, version 1.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import glossator
from glossator.serving.app import Handler, route
from glossator.serving.body import json_of
from glossator.serving.choosing import ANY, CLASSES, EMBEDDINGS, RANKS, Chooser
from glossator.serving.models import CHANCES, Asked, Served
from glossator.serving.predicting import Answering, answered
from glossator.serving.problems import Problem, Refused
from glossator.serving.protocols.vectors import embedded, scaled

__all__ = ["tei_routes"]

# "Returns a 424 status code if the model is not a Sequence Classification model."
_ABSENT = 424
_OVERLOADED = (429, 503)


@dataclass(frozen=True)
class _Class:
    """A class and its probability."""

    score: float
    label: str


def tei_routes(answering: Answering, chooser: Chooser) -> list[Route]:
    """`/predict`, `/embed`, `/similarity`, `/rerank` and `/info`."""

    async def predict(request: Request) -> Response:
        body = await json_of(request, answering.limits.max_body)
        inputs, several = _sequences(body)
        served = chooser.choose(CLASSES, request.state.key, absent=_ABSENT)
        with answering.models.using(served):
            outcomes = await answering.outcomes(served, inputs, Asked(chances=True))
        found = [_classes(served, i, outcome) for i, outcome in enumerate(outcomes)]
        return JSONResponse(found if several else found[0])

    async def info(request: Request) -> Response:
        return JSONResponse(
            _info(chooser.choose(ANY, request.state.key, absent=_ABSENT), answering)
        )

    async def embed(request: Request) -> Response:
        body = await json_of(request, answering.limits.max_body)
        texts = _texts(body)
        served = chooser.choose(EMBEDDINGS, request.state.key, absent=_ABSENT)
        found = await embedded(answering, served, texts, document=_is_document(body))
        vectors = found.vectors if body.get("normalize") is False else scaled(found.vectors)
        return JSONResponse(vectors.tolist())

    async def similarity(request: Request) -> Response:
        body = await json_of(request, answering.limits.max_body)
        _refuse_misshapen(body, {"inputs": dict})
        source, others = _compared(body["inputs"])
        served = chooser.choose(EMBEDDINGS, request.state.key, absent=_ABSENT)
        one = await embedded(answering, served, [source])
        rest = await embedded(answering, served, others, document=True)
        return JSONResponse((scaled(rest.vectors) @ scaled(one.vectors)[0]).tolist())

    async def rerank(request: Request) -> Response:
        body = await json_of(request, answering.limits.max_body)
        query, texts = _query(body)
        served = chooser.choose(RANKS, request.state.key, absent=_ABSENT)
        with answering.models.using(served):
            pairs = [[query, text] for text in texts]
            outcomes = await answering.outcomes(served, pairs, Asked())
        found = [
            {"index": i, "score": answered(i, outcome)["score"]}
            | ({"text": texts[i]} if body.get("return_text") else {})
            for i, outcome in enumerate(outcomes)
        ]
        return JSONResponse(sorted(found, key=lambda each: -each["score"]))

    posts: dict[str, Handler] = {
        "/predict": predict,
        "/embed": embed,
        "/rerank": rerank,
        "/similarity": similarity,
    }
    return [
        route("/info", info, role="predict", form=_error),
        *(
            route(path, x, role="predict", methods=["POST"], form=_error)
            for path, x in posts.items()
        ),
    ]


def _sequences(body: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """The texts or pairs of a body, and whether they are answered as a list.

    A list of texts is one text or one pair; a list of lists is several.
    """
    _refuse_misshapen(body, {"inputs": (str, list)})
    if body.get("raw_scores"):
        raise _invalid("'raw_scores' must be false: scores are calibrated probabilities")
    inputs = body["inputs"]
    if isinstance(inputs, str):
        return [inputs], False
    if all(isinstance(each, str) for each in inputs):
        return [_sequence(inputs)], False
    return [_sequence(each) for each in inputs], True


def _query(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    _refuse_misshapen(body, {"query": str, "texts": list})
    if not all(isinstance(each, str) for each in body["texts"]):
        raise _invalid("'texts' must be a list of texts")
    if body.get("raw_scores"):
        raise _invalid("'raw_scores' must be false: scores are from 0 to 1")
    return body["query"], list(body["texts"])


def _texts(body: Mapping[str, Any]) -> list[str]:
    """The texts of a body, of one that is no list alone."""
    _refuse_misshapen(body, {"inputs": (str, list)})
    given = [body["inputs"]] if isinstance(body["inputs"], str) else body["inputs"]
    if not all(isinstance(each, str) for each in given):
        raise _invalid("'inputs' must be a text, or a list of texts")
    return list(given)


def _is_document(body: Mapping[str, Any]) -> bool:
    """Whether texts are those that are to be found, by the names that prompts have here."""
    name = body.get("prompt_name")
    if name not in (None, "query", "document"):
        raise _invalid("'prompt_name' must be query or document")
    return name == "document"


def _compared(given: Mapping[str, Any]) -> tuple[str, list[str]]:
    source, others = given.get("source_sentence"), given.get("sentences")
    listed = isinstance(others, list) and all(isinstance(each, str) for each in others)
    if not isinstance(source, str) or not listed or not others:
        raise _invalid("'inputs' must have a 'source_sentence' and a list of 'sentences'")
    return source, list(others)


def _sequence(given: Any) -> Any:
    texts = isinstance(given, list) and all(isinstance(each, str) for each in given)
    if not texts or len(given) not in (1, 2):
        raise _invalid(
            "'inputs' must be a text, a pair of texts, or a list of [text] or [text, text]"
        )
    return given[0] if len(given) == 1 else given


def _classes(
    served: Served, number: int, outcome: Mapping[str, Any] | Problem
) -> list[dict[str, Any]]:
    """All classes, the most probable first."""
    outcome = answered(number, outcome)
    assert served.classes is not None
    pairs = zip(outcome[CHANCES], map(str, served.classes), strict=True)
    found = [_Class(score, name) for score, name in pairs]
    return [asdict(each) for each in sorted(found, key=lambda each: -each.score)]


def _info(served: Served, answering: Answering) -> dict[str, Any]:
    return {
        "model_id": served.name,
        "model_sha": served.version,
        "model_dtype": served.predictor.runtime.precision,
        "model_type": _model_type(served),
        "max_concurrent_requests": answering.limits.max_requests,
        # Texts of any length are read, in windows.
        "max_input_length": answering.limits.max_tokens,
        "max_batch_tokens": served.batcher.budget,
        "max_batch_requests": None,
        "max_client_batch_size": answering.limits.max_inputs,
        "auto_truncate": False,
        "tokenization_workers": answering.readers,
        "version": glossator.__version__,
        "sha": None,
        "docker_label": None,
    }


def _model_type(served: Served) -> dict[str, Any]:
    """What it is to a client, with how vectors are made or what the classes are called."""
    if served.embeds:
        return {"embedding": {"pooling": str(served.predictor.task.settings["pooling"])}}
    names = ["LABEL_0"] if served.ranks else [str(name) for name in served.classes or ()]
    labels = {
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
    }
    return {"reranker": labels} if served.ranks else {"classifier": labels}


def _refuse_misshapen(
    body: Mapping[str, Any], fields: Mapping[str, type | tuple[type, ...]]
) -> None:
    for name, kinds in fields.items():
        if not isinstance(body.get(name), kinds) or not body[name]:
            raise _invalid(f"'{name}' is missing, empty, or of another type")


def _invalid(message: str) -> Refused:
    return Refused(Problem("bad_request", message, 422))


def _error(problem: Problem, request_id: str) -> dict[str, Any]:
    kind = "Validation"
    if problem.status in _OVERLOADED:
        kind = "Overloaded"
    elif problem.status in (_ABSENT, 500):
        kind = "Backend"
    return {"error": problem.to_json()["message"], "error_type": kind, "request_id": request_id}
