"""A trace of each request for OpenTelemetry: when it was read, waited and was answered.

The extra `otel`; nothing of it is imported, and nothing sent, unless that is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import glossator
from glossator.serving.app import Told

__all__ = ["Traces"]

_STAGES = ("tokenize", "queue", "inference")
_NANO = 10**9


class Traces:
    """Makes a span of each answered request, with one below it for each stage.

    Args:
        processor: takes the spans.
    """

    def __init__(self, processor: SpanProcessor):
        resource = Resource.create(
            {"service.name": "glossator", "service.version": glossator.__version__}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("glossator")
        self._parents = TraceContextTextMapPropagator()

    @classmethod
    def to(cls, address: str) -> Traces:
        """Send them to a collector that speaks OTLP over HTTP, in batches, on a thread."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        endpoint = f"{address.rstrip('/')}/v1/traces"
        return cls(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))

    def tell(self, told: Told) -> None:
        """A request was answered."""
        now, tick = time.time_ns(), time.perf_counter()
        began = now - int(told.seconds * _NANO)
        span = self._tracer.start_span(
            f"{told.method} {told.route}".strip(),
            context=self._parents.extract({"traceparent": told.parent} if told.parent else {}),
            kind=SpanKind.SERVER,
            start_time=began,
            attributes=_attributes(told),
        )
        if told.status >= 500:
            span.set_status(StatusCode.ERROR, told.problem)
        if told.account.started:
            # Two clocks, each read at a moment of its own: a stage is not outside for that.
            at = max(began, now - int((tick - told.account.started) * _NANO))
            now = max(now, self._stages(span, told, at))
        span.end(end_time=now)

    def _stages(self, span: Span, told: Told, at: int) -> int:
        """One after the other from `at` on, in nanoseconds of the epoch; when the last ended."""
        context = set_span_in_context(span)
        for stage in _STAGES:
            seconds = getattr(told.account, stage)
            if seconds:
                child = self._tracer.start_span(stage, context=context, start_time=at)
                at += int(seconds * _NANO)
                child.end(end_time=at)
        return at

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


def _attributes(told: Told) -> Mapping[str, Any]:
    account = told.account
    return {
        "http.request.method": told.method,
        "http.route": told.route,
        "http.response.status_code": told.status,
        "glossator.request_id": told.request_id,
        "glossator.key": told.key,
        "glossator.model": account.model,
        "glossator.problem": told.problem,
        "glossator.texts": account.texts,
        "glossator.tokens": account.tokens,
    }
