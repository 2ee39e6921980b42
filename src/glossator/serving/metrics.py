"""What Prometheus is told: where the time of requests goes, by model and outcome."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glossator.serving.app import Told, route
from glossator.serving.batcher import Batcher, Measured
from glossator.serving.keys import Key
from glossator.serving.metric_files import MetricFiles, shared_folder
from glossator.serving.models import Served

__all__ = ["Metrics"]

UNKNOWN = "unknown"
"""The label of whatever a client names and the endpoint does not have."""

# Half a millisecond is a small batch on a small model; half a minute is the deadline.
_SECONDS = (
    *(base * 10**power for power in (-3, -2, -1, 0) for base in (0.5, 1.0, 2.0, 3.0)),
    *(5.0, 10.0, 20.0, 30.0, 60.0),
)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)
_TOKENS = (16, 64, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 65_536)


@dataclass(frozen=True)
class _Seen:
    """The families of a registry, without series of models that a key does not see."""

    registry: CollectorRegistry
    key: Key

    def collect(self) -> Iterator[Metric]:
        for family in self.registry.collect():
            shown = Metric(family.name, family.documentation, family.type, family.unit)
            shown.samples = [
                sample
                for sample in family.samples
                if sample.labels.get("model", "") in ("", UNKNOWN)
                or self.key.sees(sample.labels["model"])
            ]
            yield shown


class Metrics:
    """The metrics of an endpoint, in a registry of its own.

    Where `metric_files.shared_metrics` was entered before this process began, they are those of
    all processes that share its folder.
    """

    def __init__(self) -> None:
        disable_created_metrics()
        self._folder = shared_folder()
        self._registry = CollectorRegistry()
        self._queues: dict[str, Batcher] = {}
        self._name_requests()
        self._name_models()

    def _name_requests(self) -> None:
        self._requests = self._counter(
            "requests", "Requests that were answered", ("route", "model", "status", "outcome")
        )
        self._seconds = self._histogram(
            "request_seconds", "Seconds from a request to its answer", _SECONDS, ("route", "model")
        )
        self._in_flight = self._gauge("requests_in_flight", "Requests that are being answered")
        self._tokenize, self._queue, self._inference = (
            self._histogram(f"request_{stage}_seconds", f"Seconds of a request {where}", _SECONDS)
            for stage, where in (
                ("tokenize", "in which its texts became tokens"),
                ("queue", "in which its texts waited for the model"),
                ("inference", "in which the model had its texts"),
            )
        )

    def _name_models(self) -> None:
        self._texts = self._counter("texts", "Texts that were asked", ("model", "outcome"))
        self._tokens = self._counter("tokens", "Tokens that models read", ("model",))
        self._failures = self._counter("model_failures", "Texts a model failed with", ("model",))
        self._batch_texts = self._histogram("batch_texts", "Texts of a batch", _TEXTS)
        self._batch_tokens = self._histogram("batch_tokens", "Tokens of a batch", _TOKENS)
        self._batch_seconds = self._histogram(
            "batch_inference_seconds", "Seconds of a batch in the model", _SECONDS
        )
        self._queue_texts = self._gauge("queue_texts", "Texts that wait for a model", ("model",))
        self._queue_tokens = self._gauge("queue_tokens", "Tokens that wait for a model", ("model",))
        self._ready = self._gauge("ready", "Processes that can be asked")
        self._model = self._gauge(
            "model_info", "Processes that have a model", ("model", "task", "version")
        )

    def _counter(self, name: str, says: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"glossator_{name}", f"{says}.", labels, registry=self._registry)

    def _gauge(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(
            f"glossator_{name}",
            f"{says}.",
            labels,
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _histogram(
        self,
        name: str,
        says: str,
        buckets: tuple[float, ...],
        labels: tuple[str, ...] = ("model",),
    ) -> Histogram:
        return Histogram(
            f"glossator_{name}", f"{says}.", labels, registry=self._registry, buckets=buckets
        )

    def begin(self) -> None:
        """A request has come."""
        self._in_flight.inc()

    def tell(self, told: Told) -> None:
        """A request was answered."""
        self._in_flight.dec()
        account = told.account
        model = account.model or (UNKNOWN if "{model}" in told.route else "")
        place = told.route or UNKNOWN
        outcome = _outcome(told)
        self._requests.labels(place, model, str(told.status), outcome).inc()
        self._seconds.labels(place, model).observe(told.seconds)
        if not account.model:
            return
        if account.started:
            self._tokenize.labels(model).observe(account.tokenize)
        if account.inference:
            self._queue.labels(model).observe(account.queue)
            self._inference.labels(model).observe(account.inference)
        for kind, count in _texts(told).items():
            self._texts.labels(model, kind).inc(count)
        self._look_at_queue(model)

    def observe(self, model: str, batch: Measured) -> None:
        """A model answered a batch."""
        self._batch_texts.labels(model).observe(batch.texts)
        self._batch_tokens.labels(model).observe(batch.tokens)
        self._batch_seconds.labels(model).observe(batch.took)
        self._tokens.labels(model).inc(batch.tokens)
        if batch.failures:
            self._failures.labels(model).inc(len(batch.failures))
        self._look_at_queue(model)

    def ready(self, ready: bool) -> None:
        """This process can be asked, or no longer."""
        self._ready.set(float(ready))

    def watch(self, served: Served) -> None:
        """Tell of a model from now on; one that had its name is gone."""
        self.forget(served.name)
        self._queues[served.name] = served.batcher
        task = served.predictor.task.name
        self._model.labels(served.name, task, served.version[:12]).set(1)
        self._look_at_queue(served.name)

    def forget(self, model: str) -> None:
        """A model is there no more; what was counted of it stays."""
        self._queues.pop(model, None)
        # A file of several processes forgets no series: there it is none, in one process gone.
        for labels in _series(self._model, model):
            self._model.labels(*labels).set(0)
            self._drop(self._model, labels)
        for gauge in (self._queue_texts, self._queue_tokens):
            gauge.labels(model).set(0)
            self._drop(gauge, (model,))

    def _drop(self, gauge: Gauge, labels: tuple[str, ...]) -> None:
        if self._folder is None:
            gauge.remove(*labels)

    def _look_at_queue(self, model: str) -> None:
        queue = self._queues.get(model)
        if queue is not None:
            texts, tokens = queue.waiting
            self._queue_texts.labels(model).set(texts)
            self._queue_tokens.labels(model).set(tokens)

    def text(self, accept: str, key: Key) -> tuple[bytes, str]:
        """All metrics that a key sees, and the media type of the form in which they are."""
        for model in list(self._queues):
            self._look_at_queue(model)
        encode, kind = choose_encoder(accept)
        with contextlib.ExitStack() as stack:
            registry = self._registry
            if self._folder is not None:
                registry = stack.enter_context(MetricFiles(self._folder).summed())
            seen: CollectorRegistry = _Seen(registry, key)  # type: ignore[assignment]
            return encode(seen), kind

    def routes(self) -> list[Route]:
        """`/metrics`."""

        async def metrics(request: Request) -> Response:
            accept = request.headers.get("accept", "")
            text, kind = await asyncio.to_thread(self.text, accept, request.state.key)
            return Response(text, headers={"Content-Type": kind})

        return [route("/metrics", metrics, role="metrics")]


def _outcome(told: Told) -> str:
    """`ok`, `partial` where some texts have no answer, or the kind of problem."""
    if told.problem:
        return told.problem.partition(":")[0]
    if told.account.failed:
        return "failed" if told.status >= 400 else "partial"
    return "ok"


def _texts(told: Told) -> dict[str, int]:
    """The texts of a request, by what became of them."""
    account = told.account
    if told.problem:
        return {_outcome(told): account.texts} if account.texts else {}
    answered = account.texts - sum(account.failed.values())
    return {**account.failed, **({"ok": answered} if answered else {})}


def _series(gauge: Gauge, model: str) -> Iterable[tuple[str, ...]]:
    """The labels of a gauge's series of a model, as they are now."""
    found = [sample.labels for family in gauge.collect() for sample in family.samples]
    return [tuple(x.values()) for x in found if x.get("model") == model]
