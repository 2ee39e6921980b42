from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.artifact import report as report_module
from glossator.artifact.axes import ticks
from glossator.artifact.escaping import visible
from glossator.artifact.heatmap import confused_pairs
from glossator.artifact.plots import loss_series
from glossator.artifact.report import render_report, write_report
from glossator.artifact.report_parts import Learning, RateCurve
from glossator.artifact.wording import duration, interval, measure, power_of_ten
from glossator.evaluation.figures import Measure, Quote, Quotes, Section
from glossator.tasks.kinds.text_classification.figures import MEASURES

CANARY = "canary7f3a"
ATTACKS = [
    f"<script>{CANARY}()</script>",
    f'"><img src=x onerror={CANARY}()>',
    f"' onmouseover='{CANARY}()",
    f"</title></style></svg><svg onload={CANARY}()>",
    f"{{{{ {CANARY} }}}}{{% include 'x' %}}",
    f"--><iframe src=javascript:{CANARY}()>&lt;b&gt;",
    f"]]></text><a href=https://{CANARY}.example>",
]
VOID = {"meta", "br", "img", "input", "link", "hr"}
TAGS = """
html head meta title style body header div h1 p b nav a main section span small i footer
table tr th td h2 h3 aside details summary figure figcaption ul li pre code
svg line text polyline circle rect path g mark
"""
SAFE = set(TAGS.split())


class Page(HTMLParser):
    """Reads a page as a browser would and notes whatever a stranger's text could have made."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.bad: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag not in SAFE:
            self.bad.append(f"<{tag}>")
        for name, value in attributes:
            outside = name in ("src", "href") and not (value or "").startswith("#")
            if name.startswith("on") or outside or CANARY in f"{name}{value}":
                self.bad.append(f"<{tag} {name}={value}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(f"</{tag}> does not close the last tag")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style" and CANARY in data:
            self.bad.append("style")
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("classes", [2, 4, 30], ids=["two", "map", "many"])
def test_no_text_becomes_markup(report_of, attack, classes):
    page = Page(render_report(report_of([f"label {i} " for i in range(classes)], attack)))
    assert page.bad == []
    assert page.open == []
    # and it was shown, in every place that a stranger's text goes to
    for place in ("tickets-model", "minilm", "where is it", "tickets.csv", "an example", "message"):
        assert f"{place}{attack}" in page.text
    assert page.text.count(CANARY) >= 20


@pytest.mark.parametrize("attack", [ATTACKS[0], ATTACKS[1], ATTACKS[3], ATTACKS[5], ATTACKS[6]])
def test_the_check_can_fail(report_of, attack, monkeypatch):
    """The control: the same page without autoescape is caught."""
    templates = report_module._templates.__wrapped__()
    templates.autoescape = False
    monkeypatch.setattr(report_module, "_templates", lambda: templates)
    assert Page(render_report(report_of(word=attack))).bad
    assert Page(f"<b class='{ATTACKS[2]}'>").bad  # no text stands in an attribute of ours


def test_plots_escape_too(report_of):
    """The names in a confusion map do not pass through the template."""
    page = render_report(report_of(["<b>bold</b>", "\"quoted'", "<script>x</script>"]))
    assert "<b>bold" not in page
    assert "<script" not in page
    assert "&lt;b&gt;bold" in page


def test_nothing_comes_from_outside(report_of):
    page = render_report(report_of())
    assert not re.findall(r"https?:|//[a-z]|url\(|@import|<link|<script|javascript:", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_cut_text_says_so(report_of):
    report = report_of()
    long = "word " * 4000
    quotes = Quotes("", [Quote(text=long, gold="no", answer="yes", score=0.9)])
    page = render_report(replace(report, sections=[Section("answers", "Answers", [quotes])]))
    assert long[:500] in page
    assert long[:700] not in page
    assert "… (20,000 characters)" in page
    assert "…" not in render_report(report)


def test_texts_that_are_hardly_text(report_of, tmp_path):
    report = report_of(word="\x00\x1b[31m\ud800\u202e\x85 عربي 中文 👩‍👩‍👧")
    path = tmp_path / "report.html"
    write_report(report, path)
    page = path.read_text(encoding="utf-8")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", page)
    assert "␀␛[31m\ufffd" in page
    assert "中文 👩‍👩‍👧" in page


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_can_be_written(text):
    visible(text).encode("utf-8")
    assert visible("plain\ttext\n中文") == "plain\ttext\n中文"


def test_what_it_says(report_of):
    page = Page(render_report(report_of())).text
    for words in (
        "tickets-model",
        "which of 2 classes it belongs to",
        "Fine-tuned from minilm on 800 rows in 1 min 1 s",
        "Test, 100 rows",
        "95% interval",
        "two labels for one text",
        "of 1,005 rows read",
        "With temperature 1.40",
        "used: 0.42",
        "Where yes begins",
        "1 texts are longer than the 128 tokens",
        "step 40, the best on dev by Macro F1",
        "glossator predict tickets-model new.csv --output answers.jsonl",
        "glossator fit tickets.csv",
        "test.csv, line 7",
        "answered yes with 98.0%, which is wrong: it is no",
        "answered no with 90.0%, which is right",
        "without the temperature, the threshold and the windows for long texts",
    ):
        assert words in page, words


def test_the_least_that_a_run_can_say(report_of):
    report = report_of()
    least = replace(
        report,
        test=None,
        sections=[],
        learning=Learning(summary={"seconds": 0.2, "steps": 0}, finished=False),
        lengths=None,
        findings=(),
        rejected_file="",
        settings={},
    )
    page = Page(render_report(least))
    assert page.bad == []
    assert "These scores are a little kind" not in page.text
    assert "There are no test rows" in page.text
    assert "The run was interrupted after 0 of 0 steps" in page.text
    assert "Confidence" not in page.text


def test_what_is_not_defined_is_a_dash(report_of):
    report = report_of()
    page = render_report(replace(report, test={**report.test, "roc_auc": None}))
    assert ">–<" in page


def test_the_curve_on_dev_rows_holds_what_shares_a_scale(report_of):
    report = report_of()
    (plot,) = re.findall(
        r"<svg(?:(?!</svg>).)*Scores on the dev rows.*?</svg>", render_report(report)
    )
    assert "Macro F1" in plot
    assert "Accuracy" in plot
    assert "Log loss" not in plot
    alone = render_report(replace(report, chosen_by=Measure("accuracy", "Own", "number", "low")))
    (plot,) = re.findall(r"<svg(?:(?!</svg>).)*Scores on the dev rows.*?</svg>", alone)
    assert "Macro F1" not in plot


def test_a_diverged_run_has_a_report(report_of):
    report = report_of()
    learning = replace(report.learning, losses=[float("nan")] * 50)
    assert "Loss of the training" not in render_report(replace(report, learning=learning))
    one = replace(report.learning, steps=[1], losses=[0.5], evaluations=())
    assert "Loss of the training" in render_report(replace(report, learning=one))


def tried(chosen: float | None = 3.1e-4, count: int = 20) -> RateCurve:
    """A range test whose loss falls from 2 to 1 and is ruined at the end."""
    rates = np.geomspace(1e-6, 1e-1, count).tolist()
    losses = [*np.linspace(2, 1, count - 1).tolist(), 900.0]
    note = f"Learning rate {chosen}, {ATTACKS[0]}"
    return RateCurve(rates=rates, losses=losses, smoothed=losses, chosen=chosen, note=note)


def test_rates_that_were_tried_are_drawn_by_powers_of_ten(report_of):
    report = report_of()
    assert "tried before training" not in render_report(report)
    learning = replace(report.learning, rate_curve=tried())
    html = render_report(replace(report, learning=learning))
    page = Page(html)
    assert page.bad == []
    (plot,) = re.findall(r"<svg(?:(?!</svg>).)*tried before training.*?</svg>", html, re.DOTALL)
    ticks = re.findall(r'<text class="tick"[^>]*middle">([^<]*)<', plot)
    assert ticks == [f"{digit}e-{power}" for power in range(6, 1, -1) for digit in (1, 2, 5)] + [
        "1e-1"
    ]
    assert "chosen: 3.1e-4" in plot
    assert "1e-6: 2</title>" in plot
    assert 'class="line' in plot, "colours are the style sheet's"
    assert "Learning rate 0.00031" in page.text


@pytest.mark.parametrize("count", [1, 2])
def test_few_rates_and_none_chosen_are_drawn_too(report_of, count):
    learning = replace(report_of().learning, rate_curve=tried(None, count))
    page = render_report(replace(report_of(), learning=learning))
    assert "tried before training" in page
    assert "chosen:" not in page


def test_weakest_class_first(report_of):
    report = report_of(["a", "b", "c", "d"])
    rows = report.sections[0].figures[0].rows
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    page = render_report(report)
    assert page.index(f'"text">{rows[0][0]}</span>') < page.index('<td class="bar"')


def test_a_thousand_classes_stay_a_small_file(report_of):
    report = report_of([f"class {i}" for i in range(1000)])
    start = time.process_time()
    page = render_report(report)
    assert time.process_time() - start < 3
    assert len(page) < 1_000_000
    assert "The other 985 classes" in page


def test_the_most_confused_pairs():
    matrix = np.array([[5, 3, 0], [1, 7, 2], [0, 0, 0]])
    pairs = confused_pairs(matrix, ["a", "b", "c"])
    assert [(p.gold, p.predicted, p.count) for p in pairs] == [
        ("a", "b", 3),
        ("b", "c", 2),
        ("b", "a", 1),
    ]
    assert pairs[0].share == 3 / 8


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 500, [0, 100, 200, 300, 400, 500]),
        (0.71, 0.74, [0.71, 0.72, 0.73, 0.74]),
        (3, 3e6, [1e6, 2e6, 3e6]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_a_long_loss_curve_is_thinned_and_keeps_its_mean():
    losses = np.random.default_rng(0).random(100_000)
    raw, mean = loss_series(range(1, 100_001), losses.tolist())
    assert len(raw.x) == len(mean.y) <= 300
    assert np.mean(raw.y) == pytest.approx(losses.mean(), rel=1e-3)
    assert np.std(mean.y) < np.std(raw.y)


def test_words_for_numbers():
    assert [duration(s) for s in (0.24, 61, 59.7, 7_500)] == [
        "0.2 s",
        "1 min 1 s",
        "1 min 0 s",
        "2 h 5 min",
    ]
    accuracy, _, log_loss, *_ = MEASURES
    found = {"accuracy": 0.92345, "log_loss": None, "accuracy_ci": [0.91, 0.932]}
    assert (measure(found, accuracy), interval(found, accuracy)) == ("92.3%", "91.0–93.2%")
    assert (measure(found, log_loss), interval(found, log_loss)) == ("–", "")
    error = Measure("rmse", "Error", "number", "low")
    assert interval({"rmse_ci": [0.5, 1234]}, error) == "0.500–1,234.000"
    assert measure({"n": 1234}, Measure("n", "N", "count", "high")) == "1,234"
    assert [power_of_ten(x) for x in (2e-4, 3.14e-4, 0.1, 0.0999, 12)] == [
        "2e-4",
        "3.1e-4",
        "1e-1",
        "1e-1",
        "1.2e1",
    ]
