"""The house rules that a machine can hold: surfaces, imports, no code from files, lengths."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import glossator

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
FILES = sorted(SRC.rglob("*.py"))
MODULES = [path for path in FILES if path.name != "__main__.py"]


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def python(code: str, **options) -> str:
    """What `code` prints in a new interpreter that sees src."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SRC)!r})\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, **options)
    return done.stdout.strip()


# Public surfaces


def surface(tree: ast.Module) -> list[str] | None:
    """The names in `__all__`, or None where there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def top_level_names(tree: ast.Module) -> Iterator[str]:
    """Functions, classes, assigned and imported names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (ast.unparse(target) for target in targets)


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_all_is_sorted_and_names_what_is_there(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = surface(tree)
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    if names is None:
        assert not defined, "public names but no __all__"
        return
    assert names == sorted(names, key=order)
    lazy = set(glossator.__all__) if path == SRC / "glossator" / "__init__.py" else set()
    assert set(names) - set(top_level_names(tree)) - lazy == set(), "in __all__ but not there"
    assert defined - set(names) == set(), "public by name but not in __all__"


def test_every_lazy_name_is_there():
    assert dir(glossator) == glossator.__all__
    for name in glossator.__all__:
        assert getattr(glossator, name) is not None
    with pytest.raises(AttributeError, match="'nothing'; it has: Prediction"):
        _ = glossator.nothing


# Imports


def imported(statement: str) -> set[str]:
    """The top-level packages that are loaded after `statement`."""
    return set(python(f"{statement}\nprint(*{{n.partition('.')[0] for n in sys.modules}})").split())


def test_import_loads_nothing_of_others():
    """How long it takes hangs on that; `python -m benchmarks startup` measures it."""
    others = imported("import glossator") - imported("pass") - sys.stdlib_module_names
    assert others == {"glossator"}
    assert "numpy" in imported("import numpy"), "the detector sees nothing"


def test_what_the_command_line_reads_first_loads_no_torch():
    light = [path for path in FILES if path.name == "config.py"]
    light += [SRC / "glossator" / f"{name}.py" for name in ("bundles", "errors", "files", "wheels")]
    light += (SRC / "glossator" / "text" / f"{name}.py" for name in ("preflight", "tables"))
    names = [".".join(path.relative_to(SRC).with_suffix("").parts) for path in light]
    assert "torch" not in imported(f"import {', '.join(names)}")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path[:0] = [{str(folder / 'src')!r}]\n"
    code += "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_imports_point_one_way():
    pytest.importorskip("importlinter")
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported", "broken"),
    [
        ("text/a.py", "glossator.models", "Imports point one way BROKEN"),
        ("models/a.py", "glossator.evaluation", "Imports point one way BROKEN"),
        ("tasks/a.py", "glossator.tasks.b", "No cycle inside a room BROKEN"),
        ("tasks/a.py", "transformers", "no part of the core BROKEN"),
        ("artifact/a.py", "glossator.tasks.kinds", "No room knows a kind of task BROKEN"),
        ("cli/a.py", "glossator.tasks.kinds.b", "No room knows a kind of task BROKEN"),
        ("tasks/a.py", "glossator.tasks.kinds", None),
        ("cellar/__init__.py", "glossator.text", "cellar"),
        ("tasks/a.py", "glossator.text", None),
    ],
)
def test_the_drawing_catches_who_breaks_it(tmp_path, importer, imported, broken):
    pytest.importorskip("importlinter")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    layers = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]["layers"]
    files = {f"{room}/__init__.py": "" for room in re.findall(r"\w+", " ".join(layers))}
    files |= {"__init__.py": "", "tasks/b.py": "import glossator.tasks.a"}
    files |= {"tasks/kinds/__init__.py": "", "tasks/kinds/b.py": ""}
    files |= {"tasks/a.py": "", importer: f"import {imported}"}
    for name, content in files.items():
        path = tmp_path / "src" / "glossator" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    done = lint(tmp_path)
    assert (done.returncode == 0) is (broken is None), done.stdout
    assert broken is None or broken in done.stdout


# No code from files (reliability, row 11)

FORBIDDEN_MODULES = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN_CALLS = {"__import__", "compile", "eval", "exec"}
FORBIDDEN_METHODS = {"torch.load", "torch.hub.load", "torch.jit.load", "yaml.load"}
FORBIDDEN_METHODS |= {"yaml.full_load", "yaml.unsafe_load", "os.system"}
FORBIDDEN_KEYWORDS = {"allow_pickle", "shell", "trust_remote_code"}


def offences(source: str) -> list[str]:
    """Whatever in `source` could run code that a file holds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found += sorted(whole & FORBIDDEN_METHODS)
            found += [node.module] * (node.module.split(".")[0] in FORBIDDEN_MODULES)
        elif isinstance(node, ast.Call):
            found += [called for called in [ast.unparse(node.func)] if is_forbidden(called)]
            found += [
                f"{keyword.arg}={ast.unparse(keyword.value)}"
                for keyword in node.keywords
                if keyword.arg in FORBIDDEN_KEYWORDS and ast.unparse(keyword.value) != "False"
            ]
    return found


def is_forbidden(called: str) -> bool:
    return called in FORBIDDEN_CALLS | FORBIDDEN_METHODS


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "from torch import load",
        "import marshal as m",
        "def f(x): return eval(x)",
        "exec(open('a').read())",
        "yaml.load(text)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "subprocess.run(command, shell=True)",
        "__import__(name)",
    ],
)
def test_the_detector_of_code_from_files_finds_it(source):
    assert offences(source)


def test_no_code_from_files():
    fine = "model.eval(); re.compile('a'); json.load(f); np.load(p, allow_pickle=False)"
    assert offences(fine) == []
    found = {name_of(path): offences(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name: what for name, what in found.items() if what} == {}


# Each looks the name up in a table of its own.
DYNAMIC_IMPORTS = [
    "glossator/__init__.py",
    "glossator/models/families/__init__.py",
    "glossator/tasks/registry.py",
]


def test_modules_are_imported_from_a_table_only():
    """`import_module` with a name that a file holds would run what the file says."""
    users = [name_of(p) for p in FILES if "import_module(" in p.read_text(encoding="utf-8")]
    assert users == DYNAMIC_IMPORTS


# What is written

MACHINE_PATH = re.compile(r"(?<![\w.~}])/" + r"(work|root|home|Users|tmp)/\w")
WRITTEN = {".html", ".ipynb", ".md", ".py", ".sh", ".toml", ".txt", ".yaml"}


def written() -> Iterator[Path]:
    yield from (p for p in ROOT.iterdir() if p.is_file() and (p.suffix or p.name) in WRITTEN)
    for room in ("benchmarks", "docs", "examples", "scripts", "src", "tests"):
        yield from (p for p in (ROOT / room).rglob("*") if p.suffix in WRITTEN)


def test_no_file_names_a_path_of_one_machine():
    assert MACHINE_PATH.search("open('/" + "work/data')")
    assert MACHINE_PATH.search("/" + "home/ann/x")
    assert not MACHINE_PATH.search("https://host/work/x and ./work/x")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in written()
        for match in MACHINE_PATH.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def lengths(source: str) -> dict[str, int]:
    """Lines of each function, without its docstring."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            said = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if said else 0
            found[node.name] = (node.end_lineno or 0) - node.lineno + 1 - docstring
    return found


def test_functions_are_short():
    assert lengths('def f(x):\n    """Say."""\n    y = x\n    return y') == {"f": 3}
    counts = {
        f"{name_of(path)}:{name}": count
        for path in FILES
        for name, count in lengths(path.read_text(encoding="utf-8")).items()
    }
    assert {name: count for name, count in counts.items() if count > 60} == {}
    assert statistics.median(counts.values()) <= 10
    assert sum(count <= 35 for count in counts.values()) >= 0.9 * len(counts)
