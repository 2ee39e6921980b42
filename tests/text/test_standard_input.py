"""Tables on standard input, in a process of their own."""

from __future__ import annotations

import codecs
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glossator.text import decoding


def run_on_stdin(data: bytes, code: str) -> str:
    script = f"from glossator.text.tables import *\n{code}"
    env = {**os.environ, "PYTHONPATH": str(Path(decoding.__file__).parents[2])}
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, input=data, env=env, capture_output=True, check=True
    ).stdout.decode()


def test_standard_input_is_read_once_and_stays_open():
    code = """
import sys
from glossator.errors import TableError
table = open_table('-')
print(table.columns, [(i.source, i.line, i.values) for i in table], table.notes)
try: list(table)
except TableError as error: print(error)
print(sys.stdin.buffer.closed, {'numpy', 'torch', 'pyarrow'} & set(sys.modules))
"""
    out = run_on_stdin(codecs.BOM_UTF8 + b'{"text": "a"}\n{"text": "b"}\n', code).splitlines()
    assert out[0].startswith("('text',) [('standard input', 1, {'text': 'a'}), ")
    assert "byte order mark" in out[0]
    assert out[1].startswith("standard input: a stream can be read only once")
    assert out[2] == "False set()"
    code = "print([i.values['text'] for i in open_table('-', format='text')])"
    assert run_on_stdin(b"a\n\nb\n", code) == "['a', '', 'b']\n"


@pytest.mark.parametrize("line", [b"text,label", b'"text"', b"[1]", b"{'text': 'a'}"])
def test_a_stream_that_is_no_json_lines_is_refused_unless_it_was_named(line):
    ask = "from glossator.errors import TableError\n"
    ask += "try: print(len(list(open_table('-', format={}))))\nexcept TableError as e: print(e)"
    said = run_on_stdin(b"\n" + line + b"\na,b\n", ask.format(None))
    assert said.startswith("standard input:2: the first line is no JSON object")
    assert "--format csv" in said
    assert run_on_stdin(line + b"\na,b\n", ask.format("'jsonl'")) == "2\n"


def test_an_object_that_cannot_be_used_is_no_other_format():
    """The control: the line is of JSON Lines, and rejected by name."""
    code = "print([i.kind for i in open_table('-')])"
    assert run_on_stdin(b'{"a": 1, "a": 2}\n', code) == "['duplicate_key']\n"


def test_gzip_is_told_by_its_first_bytes():
    code = "print([i.values['text'] for i in open_table('-')])"
    assert run_on_stdin(gzip.compress(b'{"text": "a"}\n{"text": "b"}\n'), code) == "['a', 'b']\n"
