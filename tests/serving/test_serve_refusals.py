"""What `glossator serve` does not begin with: one clear line, and exit code 2."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glossator.cli import main
from glossator.serving.keys import KeyFile, new_key

PATIENCE = 120
SRC = Path(__file__).parents[2] / "src"
FREE = ["--port", "0"]


@pytest.fixture
def refused(capsys):
    """The one line with which the command ends, before a model is opened."""

    def refused(*words):
        assert main(["serve", *map(str, words)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        return line

    return refused


@pytest.fixture
def key_file(tmp_path):
    """A file of one key."""
    file = KeyFile(tmp_path / "keys.toml")
    file.add(new_key("predict")[1])
    return file.path


@pytest.fixture
def taken():
    """A port at which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("more", [[], ["--workers", "2"]])
def test_a_port_in_use_is_named(refused, model_folder, taken, more):
    line = refused(model_folder, "--port", taken, *more)
    assert line == f"error: cannot listen at 127.0.0.1:{taken}: Address already in use"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o777])
def test_a_key_file_that_others_come_to_says_what_to_do(refused, model_folder, key_file, mode):
    key_file.chmod(mode)
    line = refused(model_folder, *FREE, "--keys", key_file)
    assert line == f"error: {key_file}: others can read it; run: chmod 600 {key_file}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("glo_000000000000_AAAA", "is no file of keys: Expected '=' after a key"),
        ("keys = 5", "is no file of keys"),
        ("keys = ['a']", "is no file of keys"),
        ("[[keys]]\nid = 'a'", "is no file of keys"),
        ("[[keys]]\nid = 5\nsha256 = 'b'\nrole = 'admin'\ncreated = ''", "has the id 5"),
        ("[[keys]]\nid = 'a'\nsha256 = 'b'\nrole = 'root'\ncreated = ''", "has the role 'root'"),
        (
            "[[keys]]\nid = 'a'\nsha256 = 'b'\nrole = 'admin'\ncreated = ''\nmodels = 'topics'",
            "has the models 'topics'",
        ),
        (
            "[[keys]]\nid = 'a'\nsha256 = 'b'\nrole = 'admin'\ncreated = ''\nexpires = 2030-01-01",
            "has the expires datetime.date(2030",
        ),
        (
            "[[keys]]\nid = 'a'\nsha256 = 'b'\nrole = 'admin'\ncreated = ''\nexpires = 'soon'",
            "has the expiry 'soon'",
        ),
        (
            "[[keys]]\nid = 'a'\nsha256 = 'b'\nrole = 'admin'\ncreated = ''\n"
            "expires = '2030-01-01'",
            "has the expiry '2030-01-01'",
        ),
        ("\xff\xfe", "is no file of keys"),
    ],
)
def test_a_file_that_is_none_of_keys_says_so(refused, model_folder, key_file, text, said):
    key_file.write_bytes(text.encode("latin-1"))
    line = refused(model_folder, *FREE, "--keys", key_file)
    assert line.startswith(f"error: {key_file}: ")
    assert said in line


def test_a_file_of_keys_that_is_not_there_says_so(refused, model_folder, tmp_path):
    path = tmp_path / "absent.toml"
    line = refused(model_folder, *FREE, "--keys", path)
    assert line == f"error: {path}: cannot be read: No such file or directory"


def test_a_name_that_two_models_have_says_how_to_name_one(refused, model_folder):
    line = refused(model_folder, f"topics={model_folder}", *FREE)
    assert line.startswith("error: two models are called 'topics'; name one: other=")


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "\uff54opics"])
def test_a_name_that_cannot_stand_in_a_path_is_refused(refused, model_folder, name):
    assert "model name" in refused(f"{name}={model_folder}", *FREE)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "glossator.json"])
def test_a_folder_with_a_changed_byte_is_not_served(model_folder, tmp_path, name, workers):
    folder = shutil.copytree(model_folder, tmp_path / "topics")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "glossator", "serve", str(folder), *FREE, "--workers", workers],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    said = f"error: {folder / name}: {name} was changed after the folder was written"
    assert [x for x in done.stderr.splitlines() if x.startswith("error")] == [said]
    assert "Traceback" not in done.stderr
