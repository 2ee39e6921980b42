"""Processes that share a port: what is seen of one that dies, and how they end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glossator.serving.config import LimitConfig
from glossator.serving.shared import Shared
from glossator.serving.workers import Workers, _Place, _Worker

PATIENCE = 60
SRC = Path(__file__).parents[2] / "src"


class Program:
    """The processes of supervised.py; `said` has what they said, by what it is about."""

    def __init__(self, folder, count, gate=None):
        self.gate, self.hold = folder / "gate", folder / "hold"
        os.mkfifo(self.hold)
        words = [str(Path(__file__).with_name("supervised.py")), str(count)]
        words += [gate or str(self.gate), str(self.hold)]
        self.process = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = Counter()
        self.lines = {}
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self):
        for line in self.process.stdout:
            for name, value in json.loads(line).items():
                self.lines.setdefault(name, []).append(value)
                self.said[name] += 1

    @property
    def port(self):
        return self.lines["port"][0]

    def ask(self, path="/"):
        """The status, the headers and the object of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            found = connection.getresponse()
            return found.status, dict(found.getheaders()), json.loads(found.read())
        finally:
            connection.close()

    def fails(self):
        """Whether a request gets no answer."""
        try:
            self.ask()
        except (ConnectionError, http.client.HTTPException):
            return True
        return False

    def release(self):
        """Let what is held be answered."""
        with open(self.hold, "wb"):
            pass

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def program(tmp_path, until):
    made = []

    def start(count, gate=None):
        made.append(Program(tmp_path, count, gate))
        if gate is None:
            until(lambda: made[0].said["port"])
        return made[0]

    yield start
    for each in made:
        each.end()


def test_a_process_that_dies_is_seen_and_started_again(program, until):
    ours = program(2)
    os.mkfifo(ours.gate)
    assert ours.ask()[2]["ready"]
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(ours.ask, "/hold")
        until(lambda: ours.said["held"])
        victim = ours.lines["held"][0]
        os.kill(victim, signal.SIGKILL)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            waits.result(PATIENCE)
    until(lambda: victim in ours.lines.get("ended", []))
    status, _, found = ours.ask()
    assert (status, found["ready"]) == (200, False)
    assert found["pid"] != victim
    with open(ours.gate, "wb"):
        ours.gate.unlink()
    until(lambda: ours.ask()[2]["ready"])
    assert ours.said["said"] == 1
    assert "was ended by signal 9; it is started again now" in ours.lines["said"][0]
    assert ours.process.poll() is None


def test_where_none_is_left_another_answers_for_them(program, until):
    ours = program(1)
    os.mkfifo(ours.gate)
    victim = ours.ask()[2]["pid"]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim in ours.lines.get("ended", []))
    until(lambda: not ours.fails())
    status, headers, found = ours.ask("/v1/models")
    assert (status, headers["retry-after"]) == (503, "1")
    assert found["error"]["kind"] == "not_ready"
    assert ours.ask("/health/live")[0] == 200
    assert ours.ask("/health/ready")[0] == 503
    with open(ours.gate, "wb"):
        ours.gate.unlink()
    until(lambda: not ours.fails() and ours.ask()[0] == 200)
    until(lambda: ours.said["ended"] == 2)  # the one that stood in
    assert ours.ask()[2]["pid"] != victim


def test_what_is_in_flight_is_answered_before_all_end(program, until):
    ours = program(2)
    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ours.ask, "/hold") for _ in range(50)]
        until(lambda: ours.said["held"] == 50)
        ours.process.send_signal(signal.SIGTERM)
        until(ours.fails)
        assert not any(one.done() for one in asked)
        ours.release()
        assert [one.result()[0] for one in asked] == [200] * 50
    assert ours.process.wait(PATIENCE) == 0
    assert ours.said["ended"] == 2
    assert not ours.said["said"]


def test_a_second_signal_ends_all_at_once(program, until):
    ours = program(2)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ours.ask, "/hold")
        until(lambda: ours.said["held"])
        ours.process.send_signal(signal.SIGTERM)
        until(ours.fails)
        ours.process.send_signal(signal.SIGTERM)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            asked.result(PATIENCE)
    assert ours.process.wait(PATIENCE) == 130


def test_processes_end_with_the_one_that_started_them(program, until):
    ours = program(2)
    ours.process.kill()
    ours.process.wait(PATIENCE)
    until(ours.fails)


def test_one_that_cannot_start_is_not_tried_for_ever(program):
    ours = program(2, gate="fail")
    assert ours.process.wait(PATIENCE) == 7
    ours.end()
    assert ours.said["ended"] == 1
    assert "ended with 7 before it was ready" in ours.lines["said"][0]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_one_that_dies_again_and_again_is_waited_for_longer_and_longer():
    clock = Clock()
    workers = Workers(
        count=1, work=int, stand_in=int, shared=Shared(LimitConfig()), drain=1.0, clock=clock
    )
    place, pauses = _Place(), []

    def die(after):
        worker = _Worker(0, 1, None, ready_since=clock.now)
        clock.now += after
        workers._put_off(place, worker)
        pauses.append(place.due - clock.now)

    for _ in range(9):
        die(0.1)
    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    die(60.0)
    assert pauses[-1] == 0.0
