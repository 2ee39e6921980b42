"""What holds for every verb: help, usage errors, exit codes, one line, one object."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glossator.cli.plain import one_line, shortened

SRC = Path(__file__).parents[2] / "src"
VERBS = [
    *("demo", "fit", "evaluate", "predict", "index", "search", "compare", "inspect", "starter"),
]


def python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_help_loads_nothing_that_is_slow_to_load():
    code = "import sys; from glossator.cli import main; main(['--help']); "
    code += "sys.stderr.write(str({'torch', 'numpy', 'pyarrow', 'sklearn'} & {*sys.modules}))"
    done = python(code)
    assert done.stderr == "set()"
    assert all(verb in done.stdout for verb in VERBS)


def test_the_help_of_a_verb_loads_no_torch():
    code = "import sys; from glossator.cli import main\n"
    code += f"for verb in {VERBS}: assert main([verb, '--help']) == 0\n"
    code += "assert main(['starter', 'add', '--help']) == 0\n"
    code += "sys.stderr.write(str('torch' in sys.modules))"
    assert python(code).stderr == "False"


def test_options_come_from_the_configs(run):
    from glossator.finetuning.config import FitConfig
    from glossator.tasks.registry import configs

    shown = run("fit", "--help").out
    kinds = configs()
    for part in dataclasses.fields(FitConfig):
        value = part.default_factory() if callable(part.default_factory) else None
        of_kinds = {
            "columns": [role.name for kind in kinds for role in kind.roles],
            "options": [f.name for kind in kinds for f in dataclasses.fields(kind.options)],
        }
        names = of_kinds.get(part.name) or (
            [f.name for f in dataclasses.fields(value)] if value else [part.name]
        )
        for name in names:
            assert f"--{name.replace('_', '-')} " in shown, name
    assert "--no-hub" not in shown
    assert "passes over the training rows" in shown  # the words of the docstring
    assert "[default: 5]" in shown
    assert "[default: minilm]" in shown
    assert "[default: ]" not in run("pretrain", "--help").out + shown
    words = " ".join(shown.replace("│", " ").split())  # without the frame and its lines
    assert "by default none (text-classification, relation-extraction)" in words


def test_the_version(run):
    from glossator import __version__

    assert run("--version").out.strip() == __version__


def test_without_a_verb_there_is_help(run):
    done = run()
    assert done.code == 0
    assert "predict" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fti", "a.csv"], 'Did you mean "fit"?'),
        (["fit", "a.csv", "--epocs", "3"], "Did you mean --epochs?"),
        (["fit", "a.csv", "--epochs", "three"], "--epochs"),
        (["fit", "a.csv", "--epochs", "0"], "--epochs must be 1 or more, got 0"),
        (["fit", "a.csv", "--schedule", "steep"], '"linear", "cosine", "constant"'),
        (["fit"], "TABLES"),
        (["predict", "model", "-", "more.csv"], "more.csv"),
        (["predict", "model", "a.csv", "--top-k", "0"], "--top-k must be 1 or more, got 0"),
        (["starter", "add", "minilmm"], "did you mean 'minilm'?"),
        (["inspect", "a.csv", "--format", "xls"], "parquet"),
        (["inspect", "nowhere"], "nowhere: there is no such file"),
        (["fit", "a.csv", "--dev-fraction", "0.9"], "must be from 0 to below 0.9, got 0.9"),
        (
            ["fit", "a.csv", "--dev-fraction", "0.5", "--test-fraction", "0.45"],
            "together they must be below 0.95, got 0.95",
        ),
        (["fit", "-", "--bogus"], "--bogus"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(run, here, words, said):
    done = run(*words)
    assert done.code == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: ")
    assert said in done.err


@pytest.mark.parametrize(
    ("words", "kind"),
    [(["fit", "a.csv", "--epocs", "3"], "usage"), (["inspect", "no.csv"], "table")],
)
def test_errors_for_programs_are_one_object(run, here, words, kind):
    done = run(*words, "--json")
    assert (done.code, done.out) == (2, "")
    error = json.loads(done.err)["error"]
    assert error.keys() == {"kind", "message", "file", "line"}
    assert error["kind"] == kind


def test_debug_shows_where(run, here):
    done = run("inspect", "no.csv", "--debug")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("error: no.csv: there is no such file")


def test_an_error_of_our_own_is_one_line(run, here, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oh\nno")

    monkeypatch.setattr("glossator.cli.inspect_table.open_table", broken)
    done = run("inspect", "tickets.csv")
    assert done.code == 1
    assert done.err.startswith("error: RuntimeError: oh no; an error of glossator's own")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (MemoryError(), 1, "error: not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "not enough memory"),
        (PermissionError(13, "Permission denied", "model"), 1, "model: Permission denied"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_what_the_system_says_is_one_line(run, here, monkeypatch, error, code, said):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("glossator.cli.inspect_table.open_table", fail)
    done = run("inspect", "tickets.csv")
    assert done.code == code
    assert said in done.error
    assert len(done.err.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(here):
    words = [sys.executable, "-m", "glossator", "starter", "list"]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    reader, writer = os.pipe()
    os.close(reader)  # before the command begins, which may be quicker than we are
    with open(writer, "wb") as pipe:
        done = subprocess.run(
            words, env=environment, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""
    assert done.returncode == 1


def test_a_full_disk_behind_the_result_is_told(here):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    words = [sys.executable, "-m", "glossator", "starter", "list"]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            words, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


def test_a_locale_without_the_characters_is_no_error(here, table):
    name = table("text,label\ncard,费用\npin,b\n")
    words = [sys.executable, "-m", "glossator", "inspect", name]
    environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "\\u8d39\\u7528" in done.stdout


def test_text_of_strangers_is_safe_on_a_terminal():
    assert one_line("a\x1b[31m\nb\u202e") == "a\\x1b[31m b\\u202e"
    assert one_line("a\udcffb") == "a\\udcffb"
    assert one_line("日本 ✓") == "日本 ✓"
    assert shortened("a  b" * 3, 100) == "a ba ba b"
    assert shortened("word " * 100, 12) == "word word w…"
    assert shortened("x" * 10**7, 5) == "xxxx…"
