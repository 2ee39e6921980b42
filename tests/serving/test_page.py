"""The page: what it may load, and what it may not do with a text."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path

import pytest

import glossator
from glossator.serving import page

STATIC = Path(page.__file__).parent / "static"
# What turns a text into markup or code.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser"
    r"|\beval\b|new Function|srcdoc|setHTMLUnsafe|javascript:"
)
KEPT = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.")
ELSEWHERE = re.compile(r"https?://(?!www\.w3\.org/2000/svg)|(?<!:)//[a-z]|url\(|@import|data:")


class Loaded(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.inline = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found += [given[name] for name in ("src", "href") if name in given]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("style", "base") or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def test_the_page_is_answered_without_a_key_and_holds_no_data(client):
    for path, kind in (
        ("/", "text/html"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/static/page.css", "text/css"),
        ("/static/page.js", "text/javascript"),
    ):
        found = client.get(path)
        assert found.status_code == 200
        assert found.headers["content-type"] == f"{kind}; charset=utf-8"
        assert "topics" not in found.text
        policy = found.headers["content-security-policy"].split("; ")
        assert policy[0] == "default-src 'self'"
        assert not any("unsafe" in each or "*" in each for each in policy)
        assert "frame-ancestors 'none'" in policy
        assert client.head(path).status_code == 200


def test_the_page_loads_nothing_but_its_own_and_runs_nothing_inline(client):
    loaded = Loaded()
    loaded.feed(client.get("/").text)
    # The icon too: a browser asks for one that is named nowhere, and would have no key for it.
    assert sorted(loaded.found) == ["/static/icon.svg", "/static/page.css", "/static/page.js"]
    assert loaded.inline == []
    for path in loaded.found:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", ["page.html", "page.css", "page.js", "icon.svg"])
def test_texts_are_set_as_texts_and_the_key_is_kept_nowhere(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    code = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    for pattern in (MARKUP, KEPT, ELSEWHERE):
        assert pattern.findall(code) == []


@pytest.mark.parametrize(
    ("pattern", "broken"),
    [
        (MARKUP, "node.innerHTML = text"),
        (MARKUP, "node.insertAdjacentHTML('beforeend', text)"),
        (MARKUP, "eval(text)"),
        (KEPT, "localStorage.setItem('key', key)"),
        (ELSEWHERE, "import('https://cdn.example/a.js')"),
        (ELSEWHERE, "a { background: url(x.png) }"),
    ],
)
def test_the_detectors_find_it(pattern, broken):
    assert pattern.search(broken)


def test_both_languages_say_everything():
    script = (STATIC / "page.js").read_text(encoding="utf-8")
    english, chinese = (
        set(
            re.findall(
                r"[{,]\s*(\w+): \"", re.search(rf"  {name}: (\{{.*?\n  \}})", script, re.S)[1]
            )
        )
        for name in ("en", "zh")
    )
    assert english == chinese
    assert len(english) > 30
    used = set(re.findall(r"say\(\s*\"(\w+)\"", script))
    used |= set(re.findall(r"data-said=\"(\w+)\"", (STATIC / "page.html").read_text("utf-8")))
    assert used <= english


def test_the_script_needs_no_field_that_a_model_does_not_tell(client, keys):
    (model,) = client.get("/v1/models", headers=keys.header()).json()["data"]
    assert isinstance(model["example"], str)
    assert "classes" in model["does"]
    body = {"inputs": [model["example"]]}
    asked = client.post(f"/v1/models/{model['id']}/predict", headers=keys.header(), json=body)
    assert asked.status_code == 200


@pytest.fixture(scope="module")
def several_folder(tiny_model_folder, tmp_path_factory):
    """A folder of tasks with columns of their own, of which the first reads no bare text."""
    rows = [
        {"kind": "choice", "asked": f"film {i}", "among": ["card", "film"], "answer": 1}
        for i in range(12)
    ]
    rows += [
        {"kind": "intent", "title": "the", "body": f"card {i}", "label": "ab"[i % 2]}
        for i in range(12)
    ]
    members = {
        "choice": {"question": "asked", "choices": "among"},
        "intent": {"text": ["title", "body"]},
    }
    folder = tmp_path_factory.mktemp("several") / "several"
    glossator.fit(
        rows, task="multi-task", member="kind", members=json.dumps(members),
        model=str(tiny_model_folder), output=str(folder), epochs=1, seed=1, progress=False,
        test_fraction=0.0,
    )  # fmt: skip
    return folder


def test_each_task_of_a_model_has_an_example_that_it_answers(made, keys, several_folder):
    client = made({"several": several_folder})
    (model,) = client.get("/v1/models", headers=keys.header()).json()["data"]
    assert model["examples"].keys() == {"choice", "intent"}
    assert set(model["examples"]["intent"]) == {"kind", "title", "body"}
    for name, example in model["examples"].items():
        assert example["kind"] == name
        asked = client.post(
            "/v1/models/several/predict", headers=keys.header(), json={"inputs": [example]}
        )
        assert asked.status_code == 200, asked.text
        assert asked.json()["predictions"][0]["tasks"].keys() == {name}


def test_a_model_of_one_task_has_no_examples_of_several(client, keys):
    assert client.get("/v1/models/topics", headers=keys.header()).json()["examples"] == {}
