"""The command line called in this process, in a folder with small tables and a small model."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TEXTS = {
    "card": ["where is my new card", "the card has not arrived", "please send another card"],
    "pin": ["how do i change the pin", "i want to change my pin now", "the pin of my account"],
    "fee": ["why did you charge a fee", "the fee is too much", "a fee for the transfer"],
}


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The last line of standard error, which tells what was wrong."""
        assert "Traceback" not in self.err
        return self.err.splitlines()[-1]


Run = Callable[..., Outcome]


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def tickets(copies: int = 4) -> list[list[str]]:
    """A header and `copies` of nine texts, each a little different."""
    rows = [["message", "intent"]]
    for number in range(copies):
        rows += [[f"{text} {number}", name] for name, texts in TEXTS.items() for text in texts]
    return rows


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line and return what it left."""
    from glossator.cli import main

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path) -> Path:
    """A folder, entered, with `tickets.csv`, `new.csv` and the encoder `tiny`."""
    write_csv(tmp_path / "tickets.csv", tickets())
    write_csv(
        tmp_path / "new.csv", [["id", "message"], *([f"0{i}", f"card {i}"] for i in range(7))]
    )
    (tmp_path / "tiny").symlink_to(tiny_model_folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fit(run: Run, here: Path) -> Run:
    """Call `glossator fit` on the columns of `tickets.csv`, one epoch of the encoder `tiny`."""

    usual = {"--text": "message", "--label": "intent", "--model": "tiny", "--epochs": "1"}

    def call(*words: object) -> Outcome:
        tables = words or ("tickets.csv",)
        options = [x for pair in usual.items() if pair[0] not in words for x in pair]
        return run("fit", *options, *tables)

    return call


@pytest.fixture
def table(here: Path) -> Callable[..., str]:
    """Write a table of rows, or any text or bytes, into the folder; its name."""

    def write(content: Sequence[Sequence[str]] | str | bytes, name: str = "table.csv") -> str:
        if isinstance(content, bytes):
            (here / name).write_bytes(content)
        elif isinstance(content, str):
            (here / name).write_text(content, encoding="utf-8")
        else:
            write_csv(here / name, content)
        return name

    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Path:
    """A folder with the model folder `tickets-model` and its run folder; do not change them."""
    from glossator.cli import main

    folder = tmp_path_factory.mktemp("trained")
    table = write_csv(folder / "tickets.csv", tickets())
    options = ["--text", "message", "--label", "intent", "--epochs", "2", "--json"]
    places = ["--model", str(tiny_model_folder), "--output", str(folder / "tickets-model")]
    assert main(["fit", str(table), *options, *places]) == 0
    return folder


@pytest.fixture
def model(here: Path, trained: Path) -> str:
    """The name of a model folder in the folder that was entered; it may be changed."""
    shutil.copytree(trained / "tickets-model", here / "tickets-model")
    return "tickets-model"
