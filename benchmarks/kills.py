"""SIGKILL at random moments of runs that are taken up each time: what is lost, and what is cut.

The control does the same to runs whose checkpoints are written plainly, in their place.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.common import parser, tiny_bert, write_result

WIDTH, ROWS, EPOCHS, BATCH, EVERY, KEEP = 128, 120, 4, 8, 5, 2
BROKEN = ("unreadable", "acknowledged_lost", "could_not_go_on", "other_weights")
COUNTED = ("kills", "during_a_save", "finished_runs", "checkpoints_read", *BROKEN)


def main(arguments: list[str]) -> None:
    p = parser(__doc__)
    p.add_argument("--kills", type=int, default=200)
    p.add_argument("--control-kills", type=int, default=60)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        made = Process(lambda: tiny_bert(folder / "tiny", width=WIDTH, inner=4 * WIDTH)).end()
        _must_be_well(made)
        result = measure(folder / "tiny", folder, a.kills, a.control_kills, a.seed)
    write_result("kills", arguments, {"model": f"2x{WIDTH}", **result})


def measure(
    model: pathlib.Path,
    scratch: pathlib.Path,
    kills: int,
    control_kills: int,
    seed: int = 0,
    *,
    aimed: bool = False,
) -> dict[str, Any]:
    """Kill runs of ours and of the control, and count.

    Args:
        model: an encoder's folder.
        scratch: a folder for the runs.
        kills: of our runs.
        control_kills: of runs whose checkpoints are written plainly.
        seed: of the moments.
        aimed: kill the control when a checkpoint begins to be written, not at any moment.
    """
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    bench = Bench(model, scratch)
    seconds = bench.rehearse()
    moments = random.Random(seed)
    ours = Campaign(bench, moments, seconds).run(kills)
    control = Campaign(bench, moments, seconds, aimed=aimed, plain=True).run(control_kills)
    return {
        "seconds_of_a_whole_run": round(seconds, 2),
        "steps_of_a_run": bench.steps,
        "ours": ours,
        "plain_write": control,
        "holds": not any(ours[name] for name in BROKEN),
        "control_fails": control["unreadable"] > 0,
    }


@dataclass(frozen=True)
class Left:
    """What a killed process left.

    Attributes:
        whole: steps of the checkpoints that can be read.
        unreadable: steps of those that stand there and cannot be.
        missing: steps of those that the log names and that ought to stand there still.
        saving: folders of checkpoints that were being written or deleted.
        last: what the log told last.
    """

    whole: frozenset[int]
    unreadable: frozenset[int]
    missing: frozenset[int]
    saving: frozenset[str]
    last: str


def inspect(run: pathlib.Path) -> Left:
    """Look at a run's folder."""
    from glossator.errors import CheckpointError
    from glossator.training.checkpoints import Checkpoints

    checkpoints = Checkpoints(run / "checkpoints")
    standing, whole = checkpoints.steps(), {}
    for step in standing:
        with contextlib.suppress(CheckpointError):
            whole[step] = checkpoints.read(step)
    events = read_log(run)
    named = {event["step"] for event in events if event["event"] == "saved"}
    kept = set(sorted(named | whole.keys())[-KEEP:])
    if whole:
        progress = whole[max(whole)].values["progress"]
        kept |= {progress["best_step"]} if progress["best_scores"] is not None else set()
    return Left(
        whole=frozenset(whole),
        unreadable=frozenset(set(standing) - whole.keys()),
        missing=frozenset(kept - set(standing)),
        saving=frozenset(path.name for path in checkpoints.folder.glob(".step-*")),
        last=events[-1]["event"] if events else "nothing",
    )


def lost(events: list[dict[str, Any]]) -> int:
    """How often a process went on from before the newest checkpoint that the log had named."""
    count = named = 0
    for event, after in itertools.pairwise([*events, {"event": "nothing"}]):
        if event["event"] == "saved":
            named = max(named, event["step"])
        # One that was killed at once has told no more, and the next one began.
        if event["event"] == "started" and after["event"] not in ("started", "nothing"):
            count += (after["step"] if after["event"] == "resumed" else 0) < named
    return count


def read_log(run: pathlib.Path) -> list[dict[str, Any]]:
    """The whole lines of a log."""
    events = []
    with contextlib.suppress(FileNotFoundError):
        for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                events.append(json.loads(line))
    return events


class Process:
    """A copy of this process that does one thing and ends."""

    def __init__(self, work: Callable[[], object], *, quiet: bool = False):
        self.status: int | None = None
        self.number = os.fork()
        if self.number:
            return
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            if not quiet:
                traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def over(self) -> bool:
        """Whether it has ended by itself."""
        if self.status is None:
            number, status = os.waitpid(self.number, os.WNOHANG)
            self.status = status if number else None
        return self.status is not None

    def kill(self) -> None:
        os.kill(self.number, signal.SIGKILL)

    def end(self) -> int:
        """Wait for it: its exit code, or minus the number of the signal that ended it."""
        if self.status is None:
            self.status = os.waitpid(self.number, 0)[1]
        return os.waitstatus_to_exitcode(self.status)


class Bench:
    """Runs of one model on one table, each in a process of its own.

    Forked from this one, which has imported all that they need: 200 imports of torch would take a
    quarter of an hour. Nothing is ever computed here, since of its threads a fork has one alone.
    """

    def __init__(self, model: pathlib.Path, scratch: pathlib.Path):
        self.model, self.scratch = model, scratch
        self.weights, self.steps = b"", 0
        draw, words = random.Random(0), ["card", "money", "bank", "lost", "found", "please", "help"]
        texts = [" ".join(draw.choices(words, k=draw.randint(2, 5))) for _ in range(ROWS)]
        self.rows = [{"text": f"{text} {i}", "label": "ab"[i % 2]} for i, text in enumerate(texts)]

    def rehearse(self) -> float:
        """Seconds of a run that is not killed; two of them must come to the same weights."""
        first, second = self.scratch / "first", self.scratch / "second"
        modules = self.scratch / "modules.json"

        def work() -> None:
            self.fit(first)
            modules.write_text(json.dumps(sorted(sys.modules)))

        _must_be_well(Process(work).end())
        for name in json.loads(modules.read_text()):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        began = time.perf_counter()
        _must_be_well(Process(lambda: self.fit(second)).end())
        seconds = time.perf_counter() - began
        self.weights = _weights(first)
        if self.weights != _weights(second):
            sys.exit("two runs that nobody killed differ: the others can tell nothing")
        self.steps = next(x["steps"] for x in read_log(_run(first)) if x["event"] == "started")
        return seconds

    def fit(self, output: pathlib.Path, *, plain: bool = False) -> None:
        """Begin a run, or go on with it."""
        from glossator.finetuning import config, run
        from glossator.models.config import RuntimeConfig
        from glossator.runs import folder as run_folder
        from glossator.training.config import TrainingConfig

        if plain:
            run_folder.Checkpoints = _plain_checkpoints()  # type: ignore[misc]
        training = TrainingConfig(
            epochs=EPOCHS,
            batch_size=BATCH,
            learning_rate=1e-3,
            patience=EPOCHS,
            checkpoint_steps=EVERY,
            keep_checkpoints=KEEP,
        )
        options = config.FitConfig(
            model=config.ModelConfig(model=str(self.model)),
            training=training,
            runtime=RuntimeConfig(device="cpu", threads=1),
        )
        run.run_fit(self.rows, options, output=output, resume=True)


@dataclass
class Campaign:
    """Kills of one kind.

    Attributes:
        bench: does the runs.
        moments: draws when to kill.
        seconds: of a whole run.
        aimed: kill when a checkpoint begins to be written, not at any moment.
        plain: whether checkpoints are written in their place.
    """

    bench: Bench
    moments: random.Random
    seconds: float
    aimed: bool = False
    plain: bool = False
    tally: Counter[str] = field(default_factory=Counter)
    last: Counter[str] = field(default_factory=Counter)

    def run(self, kills: int) -> dict[str, Any]:
        """Kill so often; a run that has ended is followed by another, and the last one may end."""
        output = self.bench.scratch / "killed"
        while self.tally["kills"] < kills:
            while self._goes_on(output, kill=self.tally["kills"] < kills):
                pass
            self.tally["acknowledged_lost"] += lost(read_log(_run(output)))
            for path in output.parent.glob("*killed*"):  # hidden ones too
                shutil.rmtree(path)
        return {name: self.tally[name] for name in COUNTED} | {"killed_after": dict(self.last)}

    def _goes_on(self, output: pathlib.Path, *, kill: bool) -> bool:
        """Let a process work on a run for a while; whether it can be gone on with."""
        from glossator.runs.folder import is_finished

        before = inspect(_run(output)).saving
        code = self._sitting(output) if kill else self._start(output).end()
        if code > 0:
            self.tally["could_not_go_on"] += 1
            return False
        self.tally["kills"] += code == -signal.SIGKILL
        if is_finished(output):
            self.tally["finished_runs"] += 1
            self.tally["other_weights"] += _weights(output) != self.bench.weights
            return False
        left = inspect(_run(output))
        self.tally["during_a_save"] += bool(left.saving - before or left.unreadable)
        self.tally["checkpoints_read"] += len(left.whole)
        self.tally["unreadable"] += len(left.unreadable | left.missing)
        self.last[left.last] += 1
        return True

    def _start(self, output: pathlib.Path) -> Process:
        return Process(lambda: self.bench.fit(output, plain=self.plain), quiet=self.plain)

    def _sitting(self, output: pathlib.Path) -> int:
        """One process of a run, killed if it lives that long; how it ended."""
        folder, delay = _run(output) / "checkpoints", self.moments.uniform(0, 0.8 * self.seconds)
        there, began = _names(folder), time.perf_counter()
        process = self._start(output)
        while not process.over():
            if _names(folder) - there if self.aimed else time.perf_counter() - began > delay:
                process.kill()
                break
            time.sleep(0.0002 if self.aimed else 0.001)
        return process.end()


def _plain_checkpoints() -> type:
    from glossator.training import checkpoints

    class Plain(checkpoints.Checkpoints):
        """Writes into the place where a checkpoint is looked for."""

        def _save(self, checkpoint: checkpoints.Checkpoint, best_step: int | None) -> int:
            path = self.path(checkpoint.step)
            path.mkdir(parents=True, exist_ok=True)
            checkpoints.write_checkpoint(path, checkpoint)
            return checkpoint.step

    return Plain


def _names(folder: pathlib.Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def _run(output: pathlib.Path) -> pathlib.Path:
    return output.with_name(f"{output.name}.run")


def _weights(output: pathlib.Path) -> bytes:
    return (output / "model.safetensors").read_bytes()


def _must_be_well(code: int) -> None:
    if code:
        sys.exit(f"a process ended with {code}")
