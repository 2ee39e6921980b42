"""The notebooks of examples/ run from top to bottom and hold no output; the two READMEs agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_holds_no_output(path):
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not [cell for cell in notebook.cells if cell.get("outputs")]
    assert not [cell for cell in notebook.cells if cell.get("execution_count")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("default")  # those of the notebook's own machinery
def test_a_notebook_runs(path, minilm_folder, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    # By default what a cell shows is left out when it comes four seconds late.
    patience = dict.fromkeys(("timeout", "startup_timeout", "iopub_timeout"), 500)
    nbclient.NotebookClient(notebook, resources=resources, **patience).execute()
    last = notebook.cells[-1].outputs[-1]["data"]["text/plain"]
    assert last == "True"


def test_both_readmes_show_the_same_commands():
    english, chinese = (
        [
            block
            for block in BLOCK.findall((ROOT / name).read_text("utf-8"))
            if block[0] != "mermaid"
        ]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert len(english) > 5
    assert english == chinese
