"""The routes that clients of OpenAI ask."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glossator.serving.app import route
from glossator.serving.body import json_of
from glossator.serving.choosing import EMBEDDINGS, Chooser
from glossator.serving.predicting import Answering
from glossator.serving.problems import Problem, Refused

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
        chooser.choose(EMBEDDINGS, key)
        raise AssertionError("a model that embeds is answered with here")

    return [
        route("/v1/embeddings", embeddings, role="predict", methods=["POST"], form=_error),
    ]


def _refuse_misshapen(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise Refused(Problem("bad_request", "'model' must be the name of a model", 400))
    given = body.get("input")
    if not isinstance(given, str | list) or not given:
        raise Refused(Problem("bad_request", "'input' must be a text, or a list of them", 400))


def _error(problem: Problem, request_id: str) -> dict[str, Any]:
    """As OpenAI tells an error, with the id of ours beside it."""
    told = problem.to_json()
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    error = {"message": told["message"], "type": kind, "param": None, "code": told["kind"]}
    return {"error": error, "request_id": request_id}
