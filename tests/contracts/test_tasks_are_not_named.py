"""Outside `tasks/kinds` no module tells kinds of tasks apart; beside each rule, who breaks it.

That no room imports a kind is held by the contracts of import-linter.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glossator.tasks import kinds
from glossator.tasks.registry import KINDS, configs

KINDS_FOLDER = Path(kinds.__file__).parent
HOUSE = KINDS_FOLDER.parents[1]
REGISTRY = HOUSE / "tasks" / "registry.py"
OUTSIDE = [
    path
    for path in sorted(HOUSE.rglob("*.py"))
    if path != REGISTRY and KINDS_FOLDER not in path.parents
]

Rule = Callable[[ast.Module], list[str]]


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def shows_a_sample(name: str) -> bool:
    """The tables of samples are the house's own, and so are their columns and what they are for."""
    return name == "text/samples.py" or name.startswith("cli/demo")


def strings(tree: ast.Module) -> Iterator[str]:
    """All strings of a file, those of its annotations and docstrings among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


# No kind is asked for by its name


def kinds_named(tree: ast.Module) -> list[str]:
    return [text for text in strings(tree) if text in KINDS]


# No column is known to be what is learned

TARGETS = {role for config in configs() for role in config.targets}


def targets_named(tree: ast.Module) -> list[str]:
    return [text for text in strings(tree) if text in TARGETS]


def has_words_of_its_own(name: str) -> bool:
    """Evaluation lies below the tasks and knows no columns; its scores have names of their own.

    A folder of texts has no header: how its columns are called is its format.
    """
    own = name == "text/text_folder.py" or name.startswith("evaluation/")
    return shows_a_sample(name) or own


# Nobody looks into what a task decides by

# Rooms below the tasks cannot see one (import-linter holds that): a `threshold` there, or the
# `temperature` at which a language model draws, is another thing.
BELOW = ("evaluation/", "models/", "text/")


def fields_of_decisions() -> set[str]:
    """The fields of every class in a kind's folder whose name ends in `Decision`."""
    found = set()
    for path in KINDS_FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Decision"):
                fields = [x.target for x in node.body if isinstance(x, ast.AnnAssign)]
                found |= {field.id for field in fields if isinstance(field, ast.Name)}
    return found


DECIDED = fields_of_decisions()


def decisions_read(tree: ast.Module) -> list[str]:
    """Attributes, and keys of mappings, that have the name of such a field."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in DECIDED:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found += [ast.unparse(node)] * (node.slice.value in DECIDED)
    return found


def cannot_see_a_task(name: str) -> bool:
    return name.startswith(BELOW)


# The rules, whom they leave out, and who breaks them

RULES: list[tuple[Rule, Callable[[str], bool], tuple[str, ...]]] = [
    (
        kinds_named,
        shows_a_sample,
        (
            "if task.name == 'text-classification': pass",
            "def f(task: Literal['fill-mask']): pass",
            "match task.name:\n    case 'text-generation': pass",
        ),
    ),
    (
        targets_named,
        has_words_of_its_own,
        ("row.values['label']", "columns.get('label')", "read(label=x, what='label')"),
    ),
    (
        decisions_read,
        cannot_see_a_task,
        (
            "task.decision.temperature",
            "x = predictor.task.deciding(y).threshold",
            "details.saved['decision']['thresholds']",
        ),
    ),
]
FINE = """
'''Which label a text has; text-classification is one kind of several.'''
words = task.words()
kind = kind_named(details.task)
labels = [target for target in kind.config.targets]
asks = GenerationAsks(temperature=0.5)
decision = task.saved()["decision"]
"""


@pytest.mark.parametrize(("rule", "exempt", "_"), RULES, ids=lambda x: getattr(x, "__name__", ""))
def test_no_module_outside_the_kinds_tells_them_apart(rule, exempt, _):
    found = {
        name_of(path): rule(ast.parse(path.read_text(encoding="utf-8")))
        for path in OUTSIDE
        if not exempt(name_of(path))
    }
    assert len(found) > 100
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    ("rule", "broken"), [(rule, broken) for rule, _, every in RULES for broken in every]
)
def test_each_rule_can_be_broken(rule, broken):
    assert rule(ast.parse(broken))
    assert rule(ast.parse(FINE)) == []


def test_the_rules_know_what_to_look_for():
    assert KINDS.keys() >= {"text-classification", "fill-mask", "text-generation"}
    assert "label" in TARGETS
    assert "text" not in TARGETS
    assert {"temperature", "threshold", "thresholds"} <= DECIDED


def test_who_is_left_out_would_break_them():
    """An exemption that nobody needs is to go."""
    trees = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in OUTSIDE}
    for rule, exempt, _ in RULES[1:]:
        assert any(rule(tree) for name, tree in trees.items() if exempt(name))
