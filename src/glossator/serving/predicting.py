"""`/v1/models`: which models there are, and what they answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glossator.serving.account import current_account
from glossator.serving.app import route
from glossator.serving.batcher import LATE, Outcome, Question
from glossator.serving.body import json_of
from glossator.serving.config import LimitConfig
from glossator.serving.masks import Masks
from glossator.serving.models import Asked, Models, Served
from glossator.serving.problems import Problem, Refused

__all__ = ["Answering", "answered", "count_of", "model_of", "model_routes", "told_of"]

# Of the possibilities of many gaps or answers, more than anybody reads fill the memory.
_MOST = {"top_k": 1_000, "max_windows": 1_000_000}
_FIELDS = ("inputs", "top_k", "max_windows", "options", "mask")


class Answering:
    """Answers the inputs of requests, within limits.

    Args:
        models: to answer with.
        limits: of a request, and of what waits.
        masks: hides personal data.
        readers: threads on which texts are cut into tokens.
    """

    def __init__(
        self, models: Models, limits: LimitConfig, masks: Masks | None = None, readers: int = 1
    ):
        self.models, self.limits, self.masks = models, limits, masks or Masks()
        self.readers = readers
        self._readers = ThreadPoolExecutor(readers, "glossator-reader")

    async def outcomes(self, served: Served, inputs: Sequence[Any], asked: Asked) -> list[Outcome]:
        """What becomes of each input, in order.

        Raises:
            Refused: there are too many, one is too long, too much waits already, or the deadline
                passed.
        """
        account = current_account()
        account.model, account.texts = served.name, account.texts + len(inputs)
        self._refuse_large(inputs)
        self.refuse_busy(served)
        deadline = time.monotonic() + self.limits.deadline
        loop = asyncio.get_running_loop()
        with account.tokenizing():
            most = self.limits.max_body
            read = await loop.run_in_executor(self._readers, served.read, inputs, asked, most)
        questions = [each for each in read if isinstance(each, Question)]
        account.tokens += sum(question.cost for question in questions)
        if self.masks.log:
            account.masked += await asyncio.to_thread(self.masks.texts, list(inputs))
        self._refuse_long(questions)
        self.refuse_busy(served)  # while this one was read, others came to wait
        try:
            async with asyncio.timeout_at(loop.time() + deadline - time.monotonic()):
                found = await served.batcher.ask(questions, deadline) if questions else []
        except TimeoutError:
            found = [LATE]
        if LATE in found:
            message = f"no answer within {self.limits.deadline:g} seconds"
            raise Refused(Problem(LATE.kind, message, LATE.status), {"Retry-After": "1"})
        rest = iter(found)
        outcomes = [next(rest) if isinstance(each, Question) else each for each in read]
        for problem in outcomes:
            if isinstance(problem, Problem):
                account.fail(problem.kind)
        return outcomes

    def refuse_busy(self, served: Served) -> None:
        """Raise Refused where too much waits for a model already."""
        _, tokens = served.batcher.waiting
        late = served.batcher.delay > self.limits.max_delay
        if late or tokens > self.limits.max_waiting:
            message = "too much waits for this model; ask again in a moment"
            raise Refused(Problem("busy", message, 503), {"Retry-After": "1"})

    def _refuse_large(self, inputs: Sequence[Any]) -> None:
        limits = self.limits
        if len(inputs) > limits.max_inputs:
            message = f"{len(inputs):,} inputs; at most {limits.max_inputs:,} are taken at once"
            raise Refused(Problem("too_many", message, 413))
        for number, value in enumerate(inputs):
            if _characters(value) > limits.max_text:
                message = f"input {number} has more than {limits.max_text:,} characters"
                raise Refused(Problem("too_long", message, 413))

    def _refuse_long(self, questions: Sequence[Question]) -> None:
        tokens = sum(question.cost for question in questions)
        if tokens > self.limits.max_tokens:
            message = f"{tokens:,} tokens; at most {self.limits.max_tokens:,} are taken at once"
            raise Refused(Problem("too_long", message, 413))


def model_routes(answering: Answering) -> list[Route]:
    """The routes of models."""
    models = answering.models

    async def listed(request: Request) -> Response:
        found = [one for one in models.all() if request.state.key.sees(one.name)]
        return JSONResponse({"object": "list", "data": [told_of(one) for one in found]})

    async def one(request: Request) -> Response:
        return JSONResponse(told_of(model_of(models, request)))

    async def predict(request: Request) -> Response:
        served = model_of(models, request)
        answering.refuse_busy(served)  # before its body is read
        with models.using(served):
            body = await json_of(request, answering.limits.max_body)
            inputs, asked = _asked(body)
            hides = _flag(body, "mask", answering.masks.always)
            outcomes = await answering.outcomes(served, inputs, asked)
        if not hides:
            return _response(request, served, outcomes)
        masked, outcomes = await asyncio.to_thread(_masked, answering.masks, inputs, outcomes)
        return _response(request, served, outcomes, masked=masked)

    return [
        route("/v1/models", listed, role="predict"),
        route("/v1/models/{model}", one, role="predict"),
        route("/v1/models/{model}/predict", predict, role="predict", methods=["POST"]),
    ]


def answered(number: int, outcome: Mapping[str, Any] | Problem) -> Mapping[str, Any]:
    """The answer to an input.

    Raises:
        Refused: there is none; it says of which input.
    """
    if isinstance(outcome, Problem):
        message = f"input {number}: {outcome.message}"
        raise Refused(Problem(outcome.kind, message, outcome.status))
    return outcome


def model_of(models: Models, request: Request) -> Served:
    """The model that a path names.

    Raises:
        Refused: there is none that the key sees; which of the two is not told.
    """
    name = request.path_params["model"]
    found = models.get(name) if request.state.key.sees(name) else None
    if found is None:
        raise Refused(Problem("unknown_model", "there is no such model; see /v1/models", 404))
    current_account().model = found.name
    return found


def told_of(served: Served) -> dict[str, Any]:
    """Of a model: what it answers, and what an input looks like."""
    task = served.predictor.task
    return {
        "id": served.name,
        "object": "model",
        "created": served.created,
        "owned_by": "glossator",
        "task": task.name,
        "version": served.version,
        "does": task.words().does,
        "example": served.example,
        "examples": served.examples,
    }


def _asked(body: Mapping[str, Any]) -> tuple[list[Any], Asked]:
    """The inputs of a body, and what is asked of their answers.

    Raises:
        Refused: a field is missing, not known, or of another type.
    """
    for name in body:
        if name not in _FIELDS:
            raise _bad(f"the body has a field {name[:40]!r}; it may have: {', '.join(_FIELDS)}")
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise _bad("'inputs' must be a list of one or more texts, or of what the task reads")
    wishes = body.get("options", {})
    if not isinstance(wishes, dict) or any(isinstance(x, dict | list) for x in wishes.values()):
        raise _bad("'options' must be an object of plain values")
    top_k, max_windows = (count_of(name, body.get(name)) for name in ("top_k", "max_windows"))
    return inputs, Asked(top_k, max_windows, tuple(sorted(wishes.items())))


def count_of(name: str, value: Any) -> int | None:
    """A number of a body that may be left out.

    Raises:
        Refused: it is no whole number, below 1, or more than anybody reads.
    """
    if value is None:
        return None
    most = _MOST[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise _bad(f"'{name}' must be a whole number from 1 to {most:,}")
    return value


def _flag(body: Mapping[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise _bad(f"'{name}' must be true or false")
    return value


def _masked(
    masks: Masks, inputs: Sequence[Any], outcomes: Sequence[Outcome]
) -> tuple[list[Any], list[Outcome]]:
    """Inputs and what became of them, without personal data; null for what has no answer."""
    found: list[tuple[Any, Outcome]] = [
        (None, outcome) if isinstance(outcome, Problem) else masks.answered(value, outcome)
        for value, outcome in zip(inputs, outcomes, strict=True)
    ]
    return [value for value, _ in found], [outcome for _, outcome in found]


def _bad(message: str) -> Refused:
    return Refused(Problem("bad_request", message, 400))


def _characters(value: Any) -> int:
    """Of all texts in an input."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _response(
    request: Request, served: Served, outcomes: Sequence[Outcome], **more: Any
) -> Response:
    """The predictions in order; null where there is none, and then `errors` says why."""
    problems = {i: x for i, x in enumerate(outcomes) if isinstance(x, Problem)}
    body: dict[str, Any] = {
        "model": served.name,
        "version": served.version,
        "request_id": request.state.id,
        "predictions": [None if isinstance(x, Problem) else x for x in outcomes],
        **more,
    }
    if problems:
        body["errors"] = [{"input": i, **problem.to_json()} for i, problem in problems.items()]
    if len(problems) < len(outcomes):
        return JSONResponse(body)
    first = next(iter(problems.values()))
    return JSONResponse({"error": first.to_json(), **body}, first.status)
