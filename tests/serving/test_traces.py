"""Spans of requests, for OpenTelemetry."""

from __future__ import annotations

import sys

import pytest

from glossator.cli import main

pytest.importorskip("opentelemetry.exporter", reason="the extra 'otel' is not installed")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from glossator.serving.traces import Traces

PREDICT = "/v1/models/topics/predict"
CANARY = "canary-4711"


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def client(made, exporter):
    traces = Traces(SimpleSpanProcessor(exporter))
    yield made(tell=traces.tell)
    traces.close()


def spans(exporter):
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_request_is_a_span_with_its_stages_below(client, keys, exporter):
    client.post(PREDICT, headers=keys.header(), json={"inputs": [CANARY, "the card"]})
    found = spans(exporter)
    root = found.pop("POST /v1/models/{model}/predict")
    assert list(found) == ["tokenize", "queue", "inference"]
    at = root.start_time
    for stage in found.values():
        assert stage.parent.span_id == root.context.span_id
        assert at <= stage.start_time <= stage.end_time
        at = stage.end_time
    assert at <= root.end_time
    assert root.attributes["glossator.texts"] == 2
    assert root.attributes["http.response.status_code"] == 200
    assert CANARY not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_the_span_of_the_client_is_taken_up_and_nothing_else_of_its_header(client, exporter):
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    client.get("/health/live", headers={"traceparent": f"00-{trace}-{parent}-01"})
    client.get("/health/live", headers={"traceparent": CANARY})
    first, second = exporter.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == trace
    assert f"{first.parent.span_id:016x}" == parent
    assert second.parent is None


def test_what_failed_is_marked(client, keys, exporter, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr(client.endpoint.models, "get", fail)
    client.post(PREDICT, headers=keys.header(), json={"inputs": ["a"]})
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert CANARY not in span.to_json()


def test_nothing_is_imported_or_sent_unless_it_is_asked_for(monkeypatch, capsys, tmp_path):
    for name in [x for x in sys.modules if x.startswith("opentelemetry.exporter")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    assert main(["serve", str(tmp_path / "no"), "--otel", "http://localhost:4318"]) == 2
    assert "pip install 'glossator[otel]'" in capsys.readouterr().err
    assert main(["serve", str(tmp_path / "no"), "--otel", "localhost"]) == 2
    assert "--otel must be an http or https address" in capsys.readouterr().err
