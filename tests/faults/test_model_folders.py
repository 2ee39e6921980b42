"""A model folder with a file that is gone, changed or of another kind."""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = ["config.json", "glossator.json", "metrics.json", "model.safetensors", "tokenizer.json"]


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    from glossator.cli import main

    capsys.readouterr()
    code = main(words)
    return code, capsys.readouterr().err


@pytest.mark.parametrize("verb", ["predict", "evaluate", "inspect"])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("fault", ["gone", "flipped", "cut"])
def test_a_faulty_file_is_named(here, capsys, verb, name, fault):
    path = Path("model", name)
    data = bytearray(path.read_bytes())
    if fault == "gone":
        path.unlink()
    elif fault == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        path.write_bytes(data[: len(data) // 2])
    words = [verb, "model"] + (["table.csv"] if verb != "inspect" else [])
    code, said = call(capsys, *words)
    assert code == 2
    assert said.startswith("error: model")
    assert name in said
    assert len(said.splitlines()) == 1


def test_the_whole_folder_is_fine(here, capsys):
    """The control."""
    assert call(capsys, "evaluate", "model", "table.csv")[0] == 0


def test_a_file_that_is_no_folder(here, capsys):
    code, said = call(capsys, "predict", "table.csv", "table.csv")
    assert (code, said) == (2, "error: table.csv is a file; expected a model folder\n")
