"""The dashboard and the alert rules of the documentation name what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from glossator.serving.keys import new_key
from glossator.serving.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs"
NAME = re.compile(r"\bglossator_\w+")
SELECTOR = re.compile(r"\b(glossator_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def metrics():
    """The names of all series, each with its labels."""
    found = {}
    for metric in vars(Metrics()).values():
        for family in metric.describe() if hasattr(metric, "describe") else ():
            ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
            for end in ends.get(family.type, ("",)):
                labels = {*metric._labelnames, *({"le"} if end == "_bucket" else ())}
                found[family.name + end] = labels
    return found


def dashboard():
    board = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    panels = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    variables = [
        each["query"]["query"] for each in board["templating"]["list"] if each["type"] == "query"
    ]
    return board, panels, variables


def rules():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((DOCS / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def unknown(expressions):
    """Metrics and labels that expressions name and that are not there."""
    there = metrics()
    found = []
    for text in expressions:
        found += [name for name in NAME.findall(text) if name not in there]
        for name, matchers in SELECTOR.findall(text):
            labels = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", matchers)) - {"instance"}
            found += [f"{name}{{{x}}}" for x in labels - there.get(name, set())]
        any_label = {"instance"}.union(*(there.get(name, set()) for name in NAME.findall(text)))
        for names in GROUPED.findall(text):
            found += [x.strip() for x in names.split(",") if x.strip() not in any_label]
    return found


def test_every_metric_that_they_use_is_there():
    _, panels, variables = dashboard()
    expressions = [rule["expr"] for rule in rules()]
    assert len(panels) > 15
    assert len(expressions) > 5
    assert unknown([*panels, *expressions]) == []
    names = [name for text in variables for name in NAME.findall(text)]
    assert set(names) <= set(metrics())


def test_every_metric_is_in_the_documentation():
    page = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(glossator_\w+)`", page, re.MULTILINE))
    there = {re.sub("_(bucket|sum|count)$", "", name) for name in metrics()}
    assert listed == there


@pytest.mark.parametrize(
    "expression",
    [
        "rate(glossator_request_total[5m])",
        'glossator_requests_total{state="200"}',
        "sum by (task) (glossator_tokens_total)",
        "glossator_request_seconds",
    ],
)
def test_one_that_is_not_there_is_caught(expression):
    assert unknown([expression])


def test_the_dashboard_has_what_grafana_asks_for():
    board, panels, _ = dashboard()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(expression.count("(") == expression.count(")") for expression in panels)
    known = {"source", *(each["name"] for each in board["templating"]["list"])}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
    assert used <= known | {"__rate_interval", "__all"}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24


def test_alert_rules_say_what_to_do():
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_promtool_takes_the_rules_the_panels_and_the_metrics(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    command = [promtool, "check", "rules", str(DOCS / "alerts.yaml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    # It checks expressions in rules alone; a panel's variables stand for values.
    _, panels, _ = dashboard()
    rows = [{"record": f"panel_{i}", "expr": x} for i, x in enumerate(panels)]
    text = json.dumps({"groups": [{"name": "panels", "rules": rows}]})
    written = tmp_path / "panels.yaml"
    written.write_text(text.replace("$__rate_interval", "5m"), encoding="utf-8")
    checked = subprocess.run([promtool, "check", "rules", str(written)], capture_output=True)
    assert checked.returncode == 0, checked.stderr
    found = Metrics()
    found.ready(True)
    text, _ = found.text("", new_key("metrics")[1])
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
