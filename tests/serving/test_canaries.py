"""A planted text and planted keys go every way through an endpoint, and are left nowhere."""

from __future__ import annotations

import copy
import dataclasses
import gzip
import json
import tempfile
import traceback

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra 'otel' is not installed")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from route_bodies import BODIES

from glossator.models.config import RuntimeConfig
from glossator.serving import app, ledger, predicting
from glossator.serving.config import LimitConfig, ObservabilityConfig, ServeConfig
from glossator.serving.contract import OPERATIONS
from glossator.serving.observability import observing
from glossator.serving.problems import Problem
from glossator.serving.rates import Rates
from glossator.serving.shared import Shared
from glossator.serving.traces import Traces

TEXT = "quokka4711"
JSON = {"Content-Type": "application/json"}
LIMITS = LimitConfig(max_text=200, max_inputs=3, max_body=5_000, rate=1e6, burst=1_000_000)
# What is the caller's own of an answer; the rest of it is what anybody may log. What is wrong with
# an input (bad_text) may be quoted to whoever sent it.
OWN = ("predictions", "masked", "outputs")


def with_texts(value, text):
    """A body with this text for each of its own, but for names of models and of columns."""
    if isinstance(value, dict):
        named = ("name", "datatype", "model")
        return {k: x if k in named else with_texts(x, text) for k, x in value.items()}
    if isinstance(value, list):
        return [with_texts(each, text) for each in value]
    return text if isinstance(value, str) else value


def bodies(operation):
    """What is sent to a route: as it should be, wrong in every field, no JSON, and not unpacked."""
    if not operation.body:
        return [{}]
    good = BODIES[operation.body]
    wrong = [{"x": TEXT}, [TEXT, [TEXT]], TEXT * 30, f"\ud800{TEXT}", f"{TEXT}\0"]
    objects = [good, with_texts(good, TEXT), [TEXT], TEXT]
    objects += [with_texts(good, each) for each in wrong]
    objects += [{**good, name: each} for name in good for each in wrong]
    if operation.body == "Asked":
        rows = {"inputs": [TEXT, " ", f"{TEXT} card"]}
        objects += [{**rows, "mask": True}, {**rows, "top_k": TEXT}, {"inputs": [TEXT] * 4}]
    sent = [{"content": json.dumps(each), "headers": JSON} for each in objects]
    sent += [{"content": TEXT, "headers": head} for head in (JSON, {"Content-Type": TEXT})]
    packed = gzip.compress(json.dumps({"inputs": [TEXT]}).encode())
    for content, encoding in (
        (packed, "gzip"),
        (packed[:-9], "gzip"),
        (b"x", "gzip"),
        (packed, TEXT),
    ):
        sent.append({"content": content, "headers": {**JSON, "Content-Encoding": encoding}})
    return sent


def without_own(response):
    """What of an answer is about a request and not of it."""
    if not response.headers.get("content-type", "").startswith("application/json"):
        return None
    found = response.json()
    if isinstance(found, list):  # classes of a text
        return None
    kept = {name: x for name, x in found.items() if name not in OWN}
    if isinstance(kept.get("error"), dict) and kept["error"].get("kind") == "bad_text":
        del kept["error"]
    kept["errors"] = [x for x in kept.get("errors", ()) if x["kind"] != "bad_text"]
    return kept


class Watched:
    """An endpoint, and all that it leaves behind besides the answers of its callers."""

    def __init__(self, made, keys, folder, models_root, observed):
        self.keys, self._folder = keys, folder
        self.exporter, self.shared, self.errors = InMemorySpanExporter(), Shared(LIMITS), []
        self.traces = Traces(SimpleSpanProcessor(self.exporter))

        def tell(told):
            observed.tell(told)
            self.traces.tell(told)

        self.client = made(
            limits=LIMITS,
            config=ServeConfig(models_root=str(models_root)),
            tell=tell,
            observe=observed.observe,
            masks=observed.masks,
            shared=self.shared,
        )

    def ask(self, method, path, who="admin", headers=None, **sent):
        every = {**self.keys.header(who), **sent.pop("headers", {}), **(headers or {})}
        response = self.client.request(method, path, headers=every, **sent)
        self.errors.append(json.dumps([dict(response.headers), without_own(response)]))

    def canaries(self, said):
        """The places in which the text or a key is."""
        kept = {x: x.read_text("latin-1") for x in self._folder.rglob("*") if x.is_file()}
        asked = {
            name: self.client.get(path, headers=self.keys.header("admin")).text
            for name, path in (("metrics", "/metrics"), ("status", "/v1/status"))
        }
        places = {
            **asked,
            "log": "".join(x for path, x in kept.items() if path.name == "log"),
            "traces": "".join(span.to_json() for span in self.exporter.get_finished_spans()),
            "errors": "".join(self.errors),
            "ledger": self.shared.rates._due._memory[:].decode("latin-1"),
            "files": "".join(f"{path.name}{x}" for path, x in kept.items() if path.name != "log"),
            "output": said.out + said.err,
        }
        assert all(places[name] for name in ("metrics", "status", "log", "traces", "files"))
        secrets = (TEXT, *self.keys.tokens.values())
        return {name for name, told in places.items() if any(each in told for each in secrets)}


@pytest.fixture
def watched(made, keys, tmp_path, model_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = ObservabilityConfig(log=str(tmp_path / "log"), log_level="debug")
    with observing(config, RuntimeConfig()) as observed:
        found = Watched(made, keys, tmp_path, model_folder.parent, observed)
        yield found
        found.traces.close()


def ask_every_route(watched):
    """By who may and who may not, with the canary in every place that a client fills."""
    for (method, path), operation in OPERATIONS.items():
        # Unloaded, it could not be asked any more.
        here = path.replace("{model}", "none" if method == "DELETE" else "topics")
        for name in ("Host", "Origin", "traceparent", "Authorization"):
            watched.ask(method, here, headers={name: TEXT})
        watched.ask(method, here, "metrics")
        watched.ask(method, path.replace("{model}", TEXT).replace("{version}", TEXT))
        for sent in bodies(operation):
            watched.ask(method, here.replace("{version}", TEXT), **sent)
    watched.ask("GET", f"/{TEXT}?{TEXT}={TEXT}")
    watched.ask(TEXT, "/v1/models")


def ask_what_fails(watched, monkeypatch, error=ValueError):
    """Every route that answers texts, while what it stands on fails, and says of what."""

    def fail(*_, **__):
        raise error(f"{TEXT} {watched.keys.tokens['admin']}")

    models = watched.client.endpoint.models
    served = models.get("topics")
    asked = {
        "/v1/models/topics/predict": {"inputs": [TEXT, f"{TEXT} card"]},
        "/predict": {"inputs": [[TEXT], ["card"]]},
        "/v2/models/topics/infer": with_texts(copy.deepcopy(BODIES["V2Request"]), TEXT),
    }
    for owner, name in (
        (served, "answer"),
        (served, "read"),
        (served.predictor, "read_each"),
        (served.batcher, "_observe"),
        (models, "get"),
        (models, "using"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            for path, body in asked.items():
                watched.ask("POST", path, json=body)


def test_texts_and_keys_are_left_nowhere(watched, monkeypatch, capfd):
    ask_every_route(watched)
    ask_what_fails(watched, monkeypatch)
    assert watched.canaries(capfd.readouterr()) == set()


def log_messages(patch):
    patch.setattr(app, "frames", lambda error: (str(error),) if error else ())


def name_routes_as_asked(patch):
    real = app._told

    def told(request, *rest):
        return dataclasses.replace(real(request, *rest), route=request.url.path)

    patch.setattr(app, "_told", told)


def quote_errors(patch):
    patch.setattr(Problem, "of", lambda error: Problem("internal", str(error)))


def print_errors(patch):
    def told(error):
        traceback.print_exception(error)
        return Problem("internal", "the model failed with this text")

    patch.setattr(Problem, "of", told)


def keep_bodies(patch):
    real = predicting.json_of

    async def json_of(request, limit):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(await request.body())
        return await real(request, limit)

    patch.setattr(predicting, "json_of", json_of)


def count_names(patch):
    patch.setattr(ledger, "_digest", lambda name: name.encode()[:24].ljust(24, b"-"))
    real = Rates.take
    patch.setattr(Rates, "take", lambda self, key: real(self, TEXT))


@pytest.mark.parametrize(
    ("broken", "places"),
    [
        (log_messages, {"log"}),
        (name_routes_as_asked, {"log", "metrics", "traces"}),
        (quote_errors, {"errors"}),
        (print_errors, {"output"}),
        (keep_bodies, {"files"}),
        (count_names, {"ledger"}),
    ],
)
def test_what_leaks_would_be_caught(made, watched, keys, monkeypatch, capfd, broken, places):
    """The controls: an endpoint that is broken in one place."""
    broken(monkeypatch)
    watched.ask("GET", f"/v1/models/{TEXT}")
    ask_what_fails(watched, monkeypatch)
    assert watched.canaries(capfd.readouterr()) == places


def test_an_error_whose_type_is_named_by_a_text_would_be_caught(watched, monkeypatch, capfd):
    ask_what_fails(watched, monkeypatch, error=type(TEXT, (ValueError,), {}))
    assert watched.canaries(capfd.readouterr()) == {"log", "traces"}
