"""SIGKILL at random moments of runs that are taken up each time: what is lost, and what is cut.

The control does the same to runs whose checkpoints are written plainly, in their place. The tests
kill at chosen moments instead, where a run halts and says so.
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
import socket
import sys
import tempfile
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.common import parser, tiny_bert, write_result

WIDTH, ROWS, EPOCHS, BATCH, EVERY, KEEP = 128, 120, 4, 8, 5, 2
BROKEN = ("unreadable", "acknowledged_lost", "could_not_go_on", "other_weights")
COUNTED = ("kills", "during_a_save", "finished_runs", "checkpoints_read", *BROKEN)


# A run that has not halted by then never does.
PATIENCE = 500.0


class Aim(NamedTuple):
    """A moment of a process: when it comes by a point of its saves for the n-th time.

    `writing` is in the middle of a file, `written` before the rename, `renamed` after it, `saved`
    when the log has told of it, and `deleting` in the middle of an old one's folder.
    """

    point: str
    turn: int


# A part of the time that a run takes, or a moment at which it halts.
Kill = float | Aim
ComeBy = Callable[[str], None]

AIMS = [Aim(*x) for x in itertools.product(("writing", "written", "renamed", "saved"), (1, 2))]
AIMS += [Aim("deleting", 1), Aim("deleting", 2)]
CONTROL_AIMS = [Aim("writing", 1), Aim("writing", 2)]


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
        draw = random.Random(a.seed)
        ours, control = ([draw.random() for _ in range(n)] for n in (a.kills, a.control_kills))
        result = measure(folder / "tiny", folder, ours, control)
    write_result("kills", arguments, {"model": f"2x{WIDTH}", **result})


def measure(
    model: pathlib.Path,
    scratch: pathlib.Path,
    kills: Sequence[Kill] = AIMS,
    control_kills: Sequence[Kill] = CONTROL_AIMS,
) -> dict[str, Any]:
    """Kill runs of ours and of the control, and count.

    Args:
        model: an encoder's folder.
        scratch: a folder for the runs.
        kills: of our runs; a number between 0 and 1 is a part of four fifths of a whole run.
        control_kills: of runs whose checkpoints are written plainly.
    """
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    bench = Bench(model, scratch)
    seconds = bench.rehearse()
    ours = Campaign(bench, seconds).run(kills)
    control = Campaign(bench, seconds, plain=True).run(control_kills)
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

    def fit(
        self, output: pathlib.Path, *, plain: bool = False, come_by: ComeBy | None = None
    ) -> None:
        """Begin a run, or go on with it; `come_by` is told of each point that it comes by."""
        from glossator.finetuning import config, run
        from glossator.models.config import RuntimeConfig
        from glossator.training.config import TrainingConfig

        if come_by is not None:
            _tell_of_points(come_by)
        if plain:
            _write_plainly()
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
        seconds: of a whole run.
        plain: whether checkpoints are written in their place.
    """

    bench: Bench
    seconds: float
    plain: bool = False
    tally: Counter[str] = field(default_factory=Counter)
    last: Counter[str] = field(default_factory=Counter)

    def run(self, kills: Sequence[Kill]) -> dict[str, Any]:
        """Kill so often; a run that has ended is followed by another, and the last one may end."""
        output = self.bench.scratch / "killed"
        while (before := self.tally["kills"]) < len(kills):
            while self._goes_on(output, next(iter(kills[self.tally["kills"] :]), None)):
                pass
            if self.tally["kills"] == before and isinstance(kills[before], Aim):
                sys.exit(f"a whole run never came to {kills[before]}")
            self.tally["acknowledged_lost"] += lost(read_log(_run(output)))
            for path in output.parent.glob("*killed*"):  # hidden ones too
                shutil.rmtree(path)
        return {name: self.tally[name] for name in COUNTED} | {"killed_after": dict(self.last)}

    def _goes_on(self, output: pathlib.Path, kill: Kill | None) -> bool:
        """Let a process work on a run for a while; whether it can be gone on with."""
        from glossator.runs.folder import is_finished

        before = inspect(_run(output)).saving
        code = self._sitting(output, kill)
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

    def _sitting(self, output: pathlib.Path, kill: Kill | None) -> int:
        """One process of a run, killed if it comes so far; how it ended."""
        if isinstance(kill, Aim):
            return self._killed_at(output, kill)
        process = Process(lambda: self.bench.fit(output, plain=self.plain), quiet=self.plain)
        if kill is not None:
            end = time.perf_counter() + kill * 0.8 * self.seconds
            while not process.over() and time.perf_counter() < end:
                time.sleep(0.001)
            if not process.over():
                process.kill()
        return process.end()

    def _killed_at(self, output: pathlib.Path, aim: Aim) -> int:
        ours, theirs = socket.socketpair()

        def work() -> None:
            ours.close()
            self.bench.fit(output, plain=self.plain, come_by=_halting(aim, theirs))

        process = Process(work, quiet=self.plain)
        theirs.close()
        with ours:
            ours.settimeout(PATIENCE)
            try:
                halted = ours.recv(1)  # nothing where it has ended by itself
            except TimeoutError:
                process.kill()
                raise
            if halted:
                process.kill()
            return process.end()


def _halting(aim: Aim, line: socket.socket) -> ComeBy:
    """Halts the process for good at a moment, and says so on the line."""
    turns = itertools.count(1)

    def come_by(point: str) -> None:
        if point == aim.point and next(turns) == aim.turn:
            line.send(b"!")
            line.recv(1)  # there comes nothing, unless whoever kills is gone
            os._exit(1)

    return come_by


def _tell_of_points(come_by: ComeBy) -> None:
    """Have this process tell of each point of a save that it comes by."""
    from safetensors.torch import save

    from glossator import files
    from glossator.runs.folder import RunFolder
    from glossator.training import checkpoints
    from glossator.training.events import Saved

    replace_folder, log_event = files.replace_folder, RunFolder.event

    def save_file(tensors: dict[str, Any], path: pathlib.Path) -> None:
        data = save(tensors)
        path.write_bytes(data[: len(data) // 2])
        come_by("writing")
        path.write_bytes(data)

    def replace(new: pathlib.Path, path: pathlib.Path) -> None:
        of_checkpoint = path.name.startswith("step-")
        if of_checkpoint:
            come_by("written")
        replace_folder(new, path)
        if of_checkpoint:
            come_by("renamed")

    def rmtree(path: pathlib.Path, **options: Any) -> None:
        if inside := sorted(x for x in path.rglob("*") if x.is_file()):
            inside[0].unlink()
            come_by("deleting")
        shutil.rmtree(path, **options)

    def log(self: RunFolder, event: Any) -> None:
        log_event(self, event)
        if isinstance(event, Saved):
            come_by("saved")

    checkpoints.save_file, files.replace_folder = save_file, replace
    checkpoints.shutil = types.SimpleNamespace(rmtree=rmtree)
    RunFolder.event = log


def _write_plainly() -> None:
    """Have this process write checkpoints into the place where they are looked for."""
    from glossator.training import checkpoints

    def save(
        self: checkpoints.Checkpoints, checkpoint: checkpoints.Checkpoint, best_step: int | None
    ) -> int:
        path = self.path(checkpoint.step)
        path.mkdir(parents=True, exist_ok=True)
        checkpoints.write_checkpoint(path, checkpoint)
        return checkpoint.step

    checkpoints.Checkpoints._save = save  # type: ignore[method-assign]


def _run(output: pathlib.Path) -> pathlib.Path:
    return output.with_name(f"{output.name}.run")


def _weights(output: pathlib.Path) -> bytes:
    return (output / "model.safetensors").read_bytes()


def _must_be_well(code: int) -> None:
    if code:
        sys.exit(f"a process ended with {code}")
