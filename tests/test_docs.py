"""Every snippet of README and docs runs.

In one Markdown file the blocks run from top to bottom, in one scratch folder that begins as a copy
of tests/snippets:

- a ```` ```python ```` block runs in this process; later blocks see its names;
- of a ```` ```bash ```` block, each line whose command (or the command after a `|`) is `glossator`
  runs; other lines (git, make, pip) are for the reader;
- a line `<!-- file: NAME -->` above a block of any language writes it to NAME;
- a line `<!-- not run: REASON -->` above a block leaves it out; the reason is shown with `-rs`;
- blocks of other languages are output and are left out.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glossator.models.starter import STARTERS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(
    r"(?:^<!--\s*(?P<mark>not run|file):[ \t]*(?P<said>[^\n]*?)\s*-->\s*?\n)?"
    r"^```(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"(?:^|\|)\s*(?:\$ )?glossator\s")


@dataclass(frozen=True, kw_only=True)
class Block:
    language: str
    body: str
    line: int
    mark: str | None = None
    said: str = ""


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, top to bottom, each with the line its body begins at."""
    return [
        Block(
            language=match["language"],
            body=match["body"],
            line=text.count("\n", 0, match.start("body")) + 1,
            mark=match["mark"],
            said=match["said"] or "",
        )
        for match in BLOCK.finditer(text)
    ]


def commands(body: str) -> list[str]:
    """The lines of a bash block that call glossator, with continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", body).splitlines()
    return [line.strip().removeprefix("$ ") for line in lines if COMMAND.search(line)]


def run_page(path: Path, folder: Path) -> list[str]:
    """Run the blocks of a page in `folder`; return the reasons of those that were left out."""
    left_out = []
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path.read_text(encoding="utf-8")):
        where = f"{path.name}:{block.line}"
        if block.mark == "not run":
            assert block.said, f"{where}: a block that is not run needs a reason"
            left_out.append(f"{where}: {block.said}")
        elif block.mark == "file":
            (folder / block.said).write_text(block.body, encoding="utf-8")
        elif block.language == "python":
            # Padded so that a traceback names the line of the page.
            exec(compile("\n" * (block.line - 1) + block.body, str(path), "exec"), names)
        elif block.language in ("bash", "sh", "shell"):
            for line in commands(block.body):
                run_command(line, where)
    return left_out


def run_command(line: str, where: str) -> None:
    command = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{where}: {line}\n{done.stdout}{done.stderr}"


@pytest.fixture
def scratch(tmp_path, monkeypatch, tiny_starter_folder) -> Path:
    """A folder with the files of tests/snippets, entered, and `glossator` on the PATH.

    The starters are a tiny encoder: whether a command does what the page says hangs on no weights,
    and `make demo` shows what the real ones learn.
    """
    cache = tmp_path / "cache"
    for name in STARTERS:
        shutil.copytree(tiny_starter_folder, cache / "starters" / name)
    monkeypatch.setenv("GLOSSATOR_CACHE", str(cache))
    folder = tmp_path / "page"
    shutil.copytree(ROOT / "tests" / "snippets", folder)
    program = tmp_path / "bin" / "glossator"
    program.parent.mkdir()
    code = "import sys; from glossator.cli import main; sys.exit(main())"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_snippet_runs(path, scratch):
    text = path.read_text(encoding="utf-8")
    runs = [b for b in blocks(text) if b.mark is None and b.language in ("python", "bash")]
    calls = [b for b in runs if b.language == "python" or commands(b.body)]
    if calls:
        pytest.importorskip("torch")
    if "glossator.client" in text:
        pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")
    for reason in run_page(path, scratch):
        sys.stdout.write(f"left out: {reason}\n")


PAGE = """
```python
x = 1
```
<!-- file: a.txt -->
```text
hello
```
<!-- not run: it needs a printer -->
```bash
glossator print
```
```bash
git clone somewhere
glossator fit a.csv \\
    --text message
$ cat a.txt | glossator predict model -
echo glossator
```
```
x = undefined
```
"""


def test_the_blocks_of_a_page_are_found():
    found = blocks(PAGE)
    assert [b.language for b in found] == ["python", "text", "bash", "bash", ""]
    assert [b.mark for b in found] == [None, "file", "not run", None, None]
    assert found[2].said == "it needs a printer"
    assert PAGE.splitlines()[found[0].line - 1] == "x = 1"
    assert commands(found[3].body) == [
        "glossator fit a.csv --text message",
        "cat a.txt | glossator predict model -",
    ]


TOP_TO_BOTTOM = """```python
x = 2
```
<!-- file: a.txt -->
```text
hello
```
```python
assert x == 2
from pathlib import Path
assert Path("a.txt").read_text() == "hello\\n"
```

<!-- not run: it needs a printer -->
```python
assert False
```
"""


def test_a_page_runs_from_top_to_bottom(scratch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(TOP_TO_BOTTOM)
    assert run_page(page, scratch) == ["page.md:16: it needs a printer"]


@pytest.mark.parametrize(
    "broken",
    [
        "```python\nassert 1 == 2\n```\n",
        "```bash\nglossator no-such-verb\n```\n",
        "<!-- not run: -->\n```python\nx = 1\n```\n",
    ],
)
def test_a_broken_snippet_is_caught(scratch, tmp_path, broken):
    page = tmp_path / "page.md"
    page.write_text(broken)
    with pytest.raises(AssertionError):
        run_page(page, scratch)
