"""One JSON record an event, and in no record a text, a secret, or a forged record."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import warnings

import pytest

from glossator.errors import ConfigError, InputError
from glossator.models.config import RuntimeConfig
from glossator.serving.account import Account
from glossator.serving.app import Told
from glossator.serving.batcher import Measured
from glossator.serving.config import ObservabilityConfig
from glossator.serving.logs import EventLog
from glossator.serving.observability import observing

PREDICT = "/v1/models/topics/predict"
CONTROLS = '\x00\x07\x1b[31m\r\n\x85\u2028\u202e\ud800"\\{}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def log(path):
    found = EventLog(path, "debug")
    yield found
    found.close()


def records(path):
    content = path.read_bytes()
    assert content.isascii()
    assert not set(content) & {*range(0x20), 0x7F} - {0x0A}
    return [json.loads(line) for line in content.split(b"\n")[:-1]]


def told(**given):
    plain = {"request_id": "1", "method": "GET", "route": "/r", "status": 200, "seconds": 0.5}
    return Told(**{**plain, **given})


def test_control_characters_in_every_field_forge_no_record(log, path):
    names = ["request_id", "method", "route", "key", "problem", "parent"]
    for name in names:
        log.tell(told(**{name: CONTROLS}))
    log.tell(told(account=Account(model=CONTROLS, failed={CONTROLS: 1}, masked=[CONTROLS])))
    log.tell(told(trace=(CONTROLS,)))
    log.observe(CONTROLS, Measured(1, 1, 0.0, 0.0, ((CONTROLS,),)))
    log.write("info", CONTROLS, **{CONTROLS: CONTROLS})
    found = records(path)
    assert len(found) == len(names) + 4
    names[-1] = "span"
    assert all(found[i][name] == CONTROLS for i, name in enumerate(names))


def test_a_record_says_what_a_request_took(log, path):
    account = Account(model="m", texts=2, tokens=7, tokenize=0.1, queue=0.2, inference=0.3)
    log.tell(told(account=account, key="abc"))
    (found,) = records(path)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info",
        "event": "request",
        "request_id": "1",
        "key": "abc",
        "method": "GET",
        "route": "/r",
        "status": 200,
        "model": "m",
        "texts": 2,
        "tokens": 7,
        "seconds": 0.5,
        "tokenize": 0.1,
        "queue": 0.2,
        "inference": 0.3,
    }


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["/health", "/r", "/busy", "/broken"]),
        ("info", ["/r", "/busy", "/broken"]),
        ("warning", ["/busy", "/broken"]),
        ("error", ["/broken"]),
    ],
)
def test_the_level_leaves_out_what_weighs_less(path, level, expected):
    log = EventLog(path, level)
    log.tell(told(route="/health"))
    log.tell(told())
    log.tell(told(route="/busy", status=503, problem="busy"))
    log.tell(told(route="/broken", status=500, trace=("ValueError", "a.py:1 f")))
    log.close()
    assert [x["route"] for x in records(path)] == expected


CANARY = "canary-4711"


def ask_what_goes_wrong(client, keys, monkeypatch):
    """Requests that have the canary in every place that a client fills, and errors that say it."""
    header = keys.header()
    bodies = [
        {"inputs": [CANARY]},
        {"inputs": [CANARY, CANARY * 3], "mask": True},
        {"inputs": [[CANARY, CANARY]]},
        {CANARY: 1},
        {"inputs": ["a"], "options": {CANARY: CANARY}},
    ]
    for body in bodies:
        client.post(PREDICT, headers=header, json=body)
    client.post(PREDICT, headers={**header, "Content-Type": CANARY}, content=CANARY)
    client.post(
        PREDICT, headers={**header, "Content-Type": "application/json"}, content=f'{{"{CANARY}'
    )
    client.get(f"/{CANARY}?{CANARY}={CANARY}", headers=header)
    client.get("/v1/models", headers={"Authorization": f"Bearer {CANARY}"})
    client.get("/v1/models", headers={**header, "Host": CANARY})
    client.get("/v1/models", headers={**header, "Origin": CANARY, "traceparent": CANARY})
    client.request(CANARY, PREDICT, headers=header)

    def fail(*_):
        raise ZeroDivisionError(CANARY)

    with monkeypatch.context() as patch:
        patch.setattr(client.endpoint.models.get("topics"), "answer", fail)
        client.post(PREDICT, headers=header, json={"inputs": [CANARY]})
    with monkeypatch.context() as patch:
        patch.setattr(client.endpoint.models, "get", fail)
        client.post(PREDICT, headers=header, json={"inputs": [CANARY]})
    for name in ("uvicorn.error", "asyncio", CANARY):
        try:
            fail()
        except ZeroDivisionError:
            logging.getLogger(name.replace(CANARY, "library")).exception("%s said", CANARY)
    logging.getLogger("library").debug(f"read {CANARY}")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(CANARY, stacklevel=1)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def test_canaries_are_in_no_record_at_debug(made, keys, path, monkeypatch, capfd):
    monkeypatch.setenv("GLOSSATOR_SECRET", CANARY)
    with observing(
        ObservabilityConfig(log=str(path), log_level="debug"), RuntimeConfig()
    ) as observed:
        client = made(tell=observed.tell, observe=observed.observe, masks=observed.masks)
        ask_what_goes_wrong(client, keys, monkeypatch)
    content = path.read_text()
    assert CANARY not in content
    assert not any(token in content for token in keys.tokens.values())
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err
    found = records(path)
    assert {x["event"] for x in found} == {"request", "model_failed", "library", "uncaught"}
    # What is told of an error is what it is, and where.
    failed = next(x for x in found if x["event"] == "model_failed")
    assert failed["trace"][0] == "ZeroDivisionError"
    assert "test_logs.py" in failed["trace"][-1]
    internal = next(x for x in found if x.get("problem", "").startswith("internal"))
    assert internal["level"] == "error"
    assert internal["trace"][0] == "ZeroDivisionError"
    said = next(x for x in found if x.get("logger") == "uvicorn.error")
    assert said["message"] == "%s said"


def test_a_log_that_says_what_it_is_given_would_be_caught(made, keys, path, monkeypatch):
    """The control: messages of libraries as they are."""
    with observing(
        ObservabilityConfig(log=str(path), log_level="debug"), RuntimeConfig()
    ) as observed:
        leaking = logging.FileHandler(path)
        logging.getLogger().addHandler(leaking)
        client = made(tell=observed.tell, observe=observed.observe)
        ask_what_goes_wrong(client, keys, monkeypatch)
        leaking.close()
    assert CANARY in path.read_text()


def test_logging_is_as_before_once_it_ends(log):
    root = logging.getLogger()
    before = root.handlers[:], root.level, threading.excepthook
    with log.listening():
        assert root.handlers != before[0]
    assert (root.handlers[:], root.level, threading.excepthook) == before


def test_texts_are_logged_masked_where_that_is_asked(made, keys, path):
    config = ObservabilityConfig(log=str(path), mask=True, log_texts=True)
    with observing(config, RuntimeConfig()) as observed:
        client = made(tell=observed.tell, observe=observed.observe, masks=observed.masks)
        client.post(PREDICT, headers=keys.header(), json={"inputs": ["write to a@b.example"]})
    (found,) = [x for x in records(path) if x["event"] == "request"]
    assert found["masked"] == ["write to [EMAIL]"]
    assert "a@b.example" not in path.read_text()
    with pytest.raises(ConfigError, match="--log-texts asks for --mask"):
        ObservabilityConfig(log_texts=True)


def test_a_log_that_was_moved_away_is_begun_again(log, path, tmp_path):
    log.write("info", "first")
    path.rename(tmp_path / "log.1")
    log.write("info", "second")
    assert [x["event"] for x in records(tmp_path / "log.1")] == ["first"]
    assert [x["event"] for x in records(path)] == ["second"]


def test_only_the_owner_reads_it(log, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_record_that_could_not_be_written_is_counted(log, path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        log.write("info", "lost")
        log.write("info", "lost")
    log.write("info", "found")
    log.write("info", "after")
    assert [(x["event"], x.get("lost")) for x in records(path)] == [("found", 2), ("after", None)]


def test_a_log_in_no_folder_says_so(tmp_path):
    with pytest.raises(InputError, match="cannot be written: No such file"):
        EventLog(tmp_path / "no" / "log")
