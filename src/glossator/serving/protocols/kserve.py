"""The Open Inference Protocol, version 2, as clients of KServe and Triton speak it.

A row of the tensors is read like a row of a table: a tensor of texts for each column that the model
reads. Answers are the tensor `predictions`, whose elements are what `predict` writes, as JSON; a
model of classes also gives `probabilities`, and `classes` to read them by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import glossator
from glossator.serving.app import Handler, route
from glossator.serving.batcher import Outcome
from glossator.serving.body import bytes_of, object_of
from glossator.serving.health import Health
from glossator.serving.models import CHANCES, Asked, Served
from glossator.serving.predicting import Answering, count_of, model_of
from glossator.serving.problems import Problem, Refused
from glossator.serving.protocols.tensors import Output, texts_of

__all__ = ["kserve_routes"]

_HEADER = "Inference-Header-Content-Length"
_BINARY = "application/octet-stream"
_LONGEST_ID = 200
_PREDICTIONS, _CLASSES = "predictions", "classes"
# Of the protocol and of Triton's client; they say nothing of an answer.
_RESERVED = {
    "binary_data_output",
    "sequence_id",
    "sequence_start",
    "sequence_end",
    "priority",
    "timeout",
}


def kserve_routes(answering: Answering, health: Health) -> list[Route]:
    """The routes under `/v2`."""
    models = answering.models

    async def server(request: Request) -> Response:
        told = {"name": "glossator", "version": glossator.__version__}
        return JSONResponse({**told, "extensions": ["binary_tensor_data"]})

    async def live(request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(request: Request) -> Response:
        _refuse_unready(health)
        return JSONResponse({"ready": True})

    async def model_ready(request: Request) -> Response:
        served = _model(answering, request)
        _refuse_unready(health)
        return JSONResponse({"name": served.name, "ready": True})

    async def model(request: Request) -> Response:
        return JSONResponse(_metadata(_model(answering, request)))

    async def infer(request: Request) -> Response:
        served = _model(answering, request)
        body, binary = await _parts(request, answering.limits.max_body)
        wanted = _Wanted(body, served)
        inputs = _inputs(texts_of(body.get("inputs"), binary), served)
        with models.using(served):
            outcomes = await answering.outcomes(served, inputs, wanted.asked)
        outputs = _outputs(served, outcomes)
        told = {"model_name": served.name, "model_version": served.version}
        return wanted.response({**told, **wanted.id}, outputs)

    return [
        route("/v2", server, role="predict", form=_error),
        route("/v2/health/live", live, role="predict", form=_error),
        route("/v2/health/ready", ready, role="predict", form=_error),
        *_versioned("", model, "GET"),
        *_versioned("/ready", model_ready, "GET"),
        *_versioned("/infer", infer, "POST"),
    ]


def _versioned(end: str, handler: Handler, method: str) -> list[Route]:
    """A route of a model, and of one of its versions."""
    paths = (f"/v2/models/{{model}}{end}", f"/v2/models/{{model}}/versions/{{version}}{end}")
    return [route(path, handler, role="predict", methods=[method], form=_error) for path in paths]


class _Wanted:
    """What a request wants of its answer.

    Args:
        body: of the request.
        served: the model.

    Raises:
        Refused: it wants what there is not.
    """

    def __init__(self, body: Mapping[str, Any], served: Served):
        given = body.get("parameters", {})
        if not isinstance(given, dict) or any(isinstance(x, dict | list) for x in given.values()):
            raise _bad("'parameters' must be an object of plain values")
        parameters = {name: x for name, x in given.items() if name not in _RESERVED}
        top_k, windows = (
            count_of(name, parameters.pop(name, None)) for name in ("top_k", "max_windows")
        )
        wishes = tuple(sorted(parameters.items()))
        self.asked = Asked(top_k, windows, wishes, chances=served.classes is not None)
        self.id = _id_of(body)
        binary = given.get("binary_data_output") is True
        self._binary = dict.fromkeys(_names(served), binary)
        outputs = body.get("outputs", [])
        if not isinstance(outputs, list):
            raise _bad("'outputs' must be a list")
        if outputs:
            self._binary = dict(_asked_for(each, binary, served) for each in outputs)

    def response(self, told: dict[str, Any], outputs: Sequence[Output]) -> Response:
        """The outputs that are wanted, each in the form that is."""
        parts, tensors = [], []
        for output in outputs:
            if self._binary.get(output.name):
                tensor, data = output.to_binary()
                parts.append(data)
            elif output.name in self._binary:
                tensor = output.to_json()
            else:
                continue
            tensors.append(tensor)
        body = {**told, "outputs": tensors}
        if not parts:
            return JSONResponse(body)
        head = json.dumps(body).encode()
        headers = {_HEADER: str(len(head))}
        return Response(b"".join([head, *parts]), media_type=_BINARY, headers=headers)


def _id_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What the client calls its request, to be told in the answer."""
    given = body.get("id")
    if not isinstance(given, str):
        return {}
    if not given.isascii() or len(given) > _LONGEST_ID:
        raise _bad(f"'id' must be ASCII, of at most {_LONGEST_ID} characters")
    return {"id": given}


def _asked_for(output: Any, binary: bool, served: Served) -> tuple[str, bool]:
    """Name of an output that is asked for, and whether it is binary."""
    names = _names(served)
    if not isinstance(output, dict) or output.get("name") not in names:
        raise _bad(f"an output is none of this model; it has: {', '.join(names)}")
    parameters = output.get("parameters")
    told = parameters.get("binary_data") if isinstance(parameters, dict) else None
    return output["name"], bool(binary if told is None else told)


def _names(served: Served) -> list[str]:
    return [_PREDICTIONS] if served.classes is None else [_PREDICTIONS, CHANCES, _CLASSES]


async def _parts(request: Request, limit: int) -> tuple[dict[str, Any], bytes]:
    """The JSON of a request and the binary data after it.

    Triton's client names no type where it sends JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json", _BINARY):
        raise Refused(
            Problem("unsupported_type", f"the body must be application/json or {_BINARY}", 415)
        )
    body = await bytes_of(request, limit)
    length = request.headers.get(_HEADER, str(len(body)))
    if not length.isascii() or not length.isdigit() or len(length) > 12 or int(length) > len(body):
        raise _bad(f"{_HEADER} must be the length of the JSON in the body")
    return object_of(body[: int(length)]), body[int(length) :]


def _inputs(texts: Mapping[str, Sequence[Any]], served: Served) -> list[Any]:
    """Rows of tensors as inputs of the model."""
    if foreign := [name for name in texts if name not in served.columns]:
        listed = ", ".join(served.columns)
        raise _bad(f"the model reads no tensor {foreign[0]}; it reads: {listed}")
    rows = zip(*texts.values(), strict=True)
    if len(served.columns) == 1:
        return [row[0] for row in rows]
    return [dict(zip(texts, row, strict=True)) for row in rows]


def _outputs(served: Served, outcomes: Sequence[Outcome]) -> list[Output]:
    """A tensor has no gaps: where an input has no answer the request has none."""
    answers = []
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Problem):
            message = f"input {number}: {outcome.message}"
            raise Refused(Problem(outcome.kind, message, outcome.status))
        answers.append(outcome)
    chances = [answer.pop(CHANCES, ()) for answer in answers]
    texts = [json.dumps(answer, ensure_ascii=False) for answer in answers]
    found = [Output(_PREDICTIONS, "BYTES", [len(texts)], texts)]
    if served.classes is not None:
        names = [str(name) for name in served.classes]
        flat = [chance for row in chances for chance in row]
        found.append(Output(CHANCES, "FP32", [len(texts), len(names)], flat))
        found.append(Output(_CLASSES, "BYTES", [len(names)], names))
    return found


def _metadata(served: Served) -> dict[str, Any]:
    outputs: dict[str, tuple[str, list[int]]] = {_PREDICTIONS: ("BYTES", [-1])}
    if served.classes is not None:
        outputs[CHANCES] = ("FP32", [-1, len(served.classes)])
        outputs[_CLASSES] = ("BYTES", [len(served.classes)])
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "glossator",
        "inputs": [{"name": x, "datatype": "BYTES", "shape": [-1]} for x in served.columns],
        "outputs": [{"name": x, "datatype": d, "shape": s} for x, (d, s) in outputs.items()],
    }


def _model(answering: Answering, request: Request) -> Served:
    served = model_of(answering.models, request)
    if request.path_params.get("version", served.version) != served.version:
        message = "there is no such version of this model; /v2/models/MODEL lists them"
        raise Refused(Problem("unknown_version", message, 404))
    return served


def _refuse_unready(health: Health) -> None:
    if not health.ready:
        raise Refused(Problem("not_ready", "not ready", 503), {"Retry-After": "1"})


def _bad(message: str) -> Refused:
    return Refused(Problem("bad_request", message, 400))


def _error(problem: Problem, request_id: str) -> dict[str, Any]:
    return {"error": problem.to_json()["message"], "request_id": request_id}
