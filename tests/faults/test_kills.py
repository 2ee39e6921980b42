"""SIGKILL at chosen moments; `python -m benchmarks kills` does it 200 times at random ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from training_runs import Runs

ROOT = Path(__file__).parents[2]
# In a process of its own: a fork of this one would have its locks and none of its threads.
CODE = """
import json, pathlib, sys
from benchmarks.kills import measure
model, scratch = map(pathlib.Path, sys.argv[1:])
print(json.dumps(measure(model, scratch)))
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


@pytest.fixture
def kills(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import kills

    return kills


def test_killed_runs_lose_nothing_and_a_plain_write_does(kills, tiny_model_folder, tmp_path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tiny_model_folder), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["ours"]["kills"] == len(kills.AIMS)
    assert result["ours"]["during_a_save"] == 6, "writing, written and deleting leave a trace"
    assert result["ours"]["finished_runs"]
    assert result["holds"], result
    assert result["plain_write"]["unreadable"] == len(kills.CONTROL_AIMS), result


def told(*events):
    return [{"event": event, "step": step} for event, step in events]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([("started", 0), ("resumed", 6)], 0),
        ([("started", 0), ("started", 0), ("resumed", 6)], 0),
        ([("started", 0)], 0),
        ([("started", 0), ("resumed", 4)], 1),
        ([("started", 0), ("stepped", 1)], 1),
    ],
)
def test_an_acknowledged_step_that_is_lost_is_counted(kills, after, expected):
    before = [("started", 0), ("stepped", 1), ("saved", 4), ("stepped", 5), ("saved", 6)]
    assert kills.lost(told(*before, *after)) == expected


def test_what_is_cut_and_what_is_gone_is_found(kills, tiny_model_folder, tmp_path):
    Runs(tiny_model_folder, tmp_path)("checkpoints", epochs=1)
    log = "".join(json.dumps(event) + "\n" for event in told(("saved", 4), ("saved", 5)))
    (tmp_path / "log.jsonl").write_text(log + '{"event": "sa')
    left = kills.inspect(tmp_path)
    assert (left.whole, left.unreadable, left.missing) == ({4, 5}, set(), set())
    (tmp_path / "checkpoints/step-000000005").rename(tmp_path / "gone")
    assert kills.inspect(tmp_path).missing == {5}
    (tmp_path / "checkpoints/step-000000004/state.json").write_text("{")
    assert kills.inspect(tmp_path).unreadable == {4}
