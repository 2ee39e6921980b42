"""`glossator` in a folder with a table, a model and an encoder; as a process where it must be."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
PROGRAM = [sys.executable, "-m", "glossator"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Path:
    """A model folder; copy it before changing it."""
    import glossator

    rows = [{"text": f"card {i}", "label": "card"} for i in range(20)]
    rows += [{"text": f"pin {i}", "label": "pin"} for i in range(20)]
    folder = tmp_path_factory.mktemp("trained") / "model"
    glossator.fit(rows, model=str(tiny_model_folder), epochs=1, output=folder)
    return folder


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path, trained: Path
) -> Path:
    """A folder, entered: `table.csv` of 400 rows, the folder `model`, the encoder `tiny`."""
    lines = "".join(f"card {i},card\npin {i},pin\n" for i in range(200))
    (tmp_path / "table.csv").write_text(f"text,label\n{lines}")
    shutil.copytree(trained, tmp_path / "model")
    (tmp_path / "tiny").symlink_to(tiny_model_folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    return tmp_path


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The last line of standard error, which tells what was wrong."""
        assert "Traceback" not in self.err
        return self.err.splitlines()[-1]


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call `glossator` in this process; no file can grow past `limit` bytes, if one is given.

    A write past it fails with EFBIG, as one to a full disk fails with ENOSPC.
    """
    from glossator.cli import main

    def call(*words: str, limit: int | None = None) -> Outcome:
        capsys.readouterr()
        with _file_limit(limit):
            code = main(words)
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def file_limit():
    """Let no file grow past a size for the length of a block."""
    return _file_limit


@contextlib.contextmanager
def _file_limit(size: int | None) -> Iterator[None]:
    if size is None:
        yield
        return
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def training(here: Path):
    """Start a long `glossator fit` into `slow`, wait until it trains, and yield the process."""
    words = ["fit", "table.csv", "--model", "tiny", "--epochs", "5000", "--patience", "5000"]
    process = subprocess.Popen(
        [*PROGRAM, *words, "--output", "slow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A suite that runs in the background hands its children an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        told = (line for line in process.stderr if line.strip().startswith("epoch "))
        assert len(list(itertools.islice(told, 2))) == 2, "it ended before two epochs were over"
        yield process
    finally:
        process.kill()
        process.communicate()
