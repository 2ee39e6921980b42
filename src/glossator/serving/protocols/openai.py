"""The routes that clients of OpenAI ask."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glossator.serving.app import route
from glossator.serving.body import json_of
from glossator.serving.choosing import EMBEDDINGS, Chooser
from glossator.serving.predicting import Answering
from glossator.serving.problems import Problem, Refused
from glossator.serving.protocols.vectors import embedded

__all__ = ["openai_routes"]


def openai_routes(answering: Answering, chooser: Chooser) -> list[Route]:
    """`/v1/embeddings`; `/v1/models` is the server's own, in the same form."""

    async def embeddings(request: Request) -> Response:
        body = await json_of(request, answering.limits.max_body)
        _refuse_misshapen(body)
        named, key = body["model"], request.state.key
        if not key.sees(named) or answering.models.get(named) is None:
            message = "there is no such model; see /v1/models"
            raise Refused(Problem("model_not_found", message, 404))
        served = answering.models.get(named)
        if served is None or not EMBEDDINGS.fits(served):
            served = chooser.choose(EMBEDDINGS, key)
            message = f"'{named}' gives no embeddings; '{served.name}' does"
            raise Refused(Problem("no_embeddings", message, 400))
        given = body["input"]
        found = await embedded(answering, served, [given] if isinstance(given, str) else given)
        _refuse_width(body.get("dimensions"), found.vectors.shape[1])
        as_text = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": number, "embedding": _written(vector, as_text)}
            for number, vector in enumerate(found.vectors)
        ]
        usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
        return JSONResponse({"object": "list", "data": data, "model": served.name, "usage": usage})

    return [
        route("/v1/embeddings", embeddings, role="predict", methods=["POST"], form=_error),
    ]


def _written(vector: NDArray[np.float64], as_text: bool) -> Any:
    """A list of numbers, or the bytes of float32 in base64, which the clients ask for."""
    if as_text:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return vector.tolist()


def _refuse_width(asked: Any, width: int) -> None:
    if asked is not None and asked != width:
        message = f"'dimensions' must be {width}, the width of this model, or be left out"
        raise Refused(Problem("bad_request", message, 400))


def _refuse_misshapen(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise Refused(Problem("bad_request", "'model' must be the name of a model", 400))
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(x, str) for x in texts) or not given:
        raise Refused(Problem("bad_request", "'input' must be a text, or a list of them", 400))
    if body.get("encoding_format") not in (None, "float", "base64"):
        message = "'encoding_format' must be float or base64"
        raise Refused(Problem("bad_request", message, 400))


def _error(problem: Problem, request_id: str) -> dict[str, Any]:
    """As OpenAI tells an error, with the id of ours beside it."""
    told = problem.to_json()
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    error = {"message": told["message"], "type": kind, "param": None, "code": told["kind"]}
    return {"error": error, "request_id": request_id}
