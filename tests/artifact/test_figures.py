"""Every figure that a task may fill, in report, card and terminal, with hostile texts in it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.artifact import card as card_module
from glossator.artifact.card import model_card
from glossator.artifact.drawing import picture
from glossator.artifact.marked_text import looks_of, marked_text
from glossator.artifact.plots import histogram
from glossator.artifact.report import render_report
from glossator.artifact.scatter_plot import scatter_plot
from glossator.artifact.wording import cell, with_value
from glossator.cli.scores import show_sections
from glossator.cli.screen import Screen
from glossator.evaluation import reliability
from glossator.evaluation.figures import (
    Column,
    Curve,
    Figure,
    Histogram,
    Line,
    Mark,
    Matrix,
    Measure,
    Pair,
    Quote,
    Quotes,
    ReliabilityDiagram,
    Scatter,
    Section,
    Table,
    Tiles,
    VectorMap,
    Words,
)

ATTACK = "\"><script>canary()</script><!-- ' {{ x }} ]]>"
TEXT = f"Ada Lovelace met Babbage in London{ATTACK}"
KINDS = ("text", "count", "share", "number", "bar")


def figures(word: str = "") -> list[Figure]:
    """One of each."""
    random = np.random.default_rng(0)
    gold = random.normal(size=300)
    chances = random.dirichlet([1, 1], 200)
    columns = [Column(f"{kind}{word}", kind) for kind in KINDS]
    rows = [(f"name {n}{word}", 1000 + n, 0.5, -n / 7, n / 10) for n in range(12)]
    marks = [
        Mark(0, 12, f"person{word}", "right"),
        Mark(4, 24, f"group{word}", "wrong"),
        Mark(17, 24, f"person{word}", "missed"),
        Mark(28, 34, f"place{word}", "right"),
    ]
    measures = [Measure("mae", f"Mean error{word}", "number", "low", note=f"a note{word}")]
    return [
        Table(f"Table{word}", columns, [*rows, (None,) * 5], shown=3),
        Tiles(measures, {"mae": 0.25, "mae_ci": [0.2, 0.3]}),
        Matrix(f"Matrix{word}", np.array([[4, 1], [0, 3]]), [f"a{word}", f"b{word}"]),
        Curve(
            f"Curve{word}", [Line(f"{n}{word}", [0, 1, 2], [n, 2, 3]) for n in range(9)], "x", "y"
        ),
        Histogram(f"Histogram{word}", gold, f"across{word}", f"up{word}", (0.5, f"here{word}")),
        Scatter(f"Scatter{word}", gold, gold + random.normal(size=300) / 5, "gold", f"said{word}"),
        VectorMap(
            f"Map{word}",
            random.normal(size=(40, 5)),
            np.arange(40) % 10,
            [f"group {n}{word}" for n in range(10)],
            np.arange(40) % 7 == 0,
        ),
        Pair(
            ReliabilityDiagram(f"Left{word}", reliability(chances, random.integers(0, 2, 200))),
            ReliabilityDiagram(f"Right{word}", reliability(chances, chances.argmax(1))),
        ),
        Quotes(
            f"Marked{word}",
            [Quote(f"secret: {TEXT}", "", "", 0.9, f"f.csv{word}", 3, [replace(m) for m in marks])],
        ),
        Quotes(
            f"Quotes{word}",
            [Quote(f"secret {n}{word}", f"1.{n}", "1.5", None, "f.csv", None) for n in range(4)],
            shown=2,
        ),
        Quotes(f"None{word}", [], none=f"not one{word}"),
    ]


@pytest.fixture
def full(report_of):
    """A report with one of each figure and a word of an attacker in every text."""

    def make(word: str = ""):
        shown = Section(
            "all", f"All{word}", figures(word), (f"aside{word}",), (f"a note of it{word}",), "Short"
        )
        words = Words(
            does=f"Does something{word}.",
            caution=f"Is always something{word}.",
            opens_as="AutoModelForTokenClassification",
            pipeline="",
            python_input='"Ada Lovelace"',
            command_input='{"text": "a \'b\'"}',
            command_format="jsonl",
        )
        return replace(report_of(word=word), sections=[shown], words=words)

    return make


class Tags(HTMLParser):
    """What is open at each moment, and whether it is closed in order."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.broken: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data):
        self.text += data


def test_the_report_shows_every_figure_and_no_markup_of_strangers(full):
    page = Tags(render_report(full(ATTACK)))
    assert (page.broken, page.open) == ([], [])
    assert "script" not in page.seen
    for said in (
        "Table",
        "Mean error",
        "Curve",
        "Histogram",
        "Scatter",
        "Map",
        "Left",
        "Marked",
        "All",
    ):
        assert f"{said}{ATTACK}" in page.text, said
    for said in ("The other 10 rows", "2 more", "95% interval 0.200–0.300", "not one", "Short"):
        assert said in page.text, said
    assert "AutoModelForTokenClassification.from_pretrained" in page.text
    assert "glossator predict" in page.text
    assert "--format jsonl" in page.text
    assert "found missed wrong" in page.text


def test_the_card_shows_names_and_figures_but_never_a_quote(full):
    card = model_card(full(ATTACK))
    assert "secret" not in card
    assert "f.csv" not in card
    body = card[card.index("\n# ") :]
    assert "<script" not in re.sub(r"^```.*?^```", "", body, flags=re.DOTALL | re.MULTILINE)
    for said in ("name 9", "And 3 more rows.", "Mean error", "0.250", "Left", "a note of it"):
        assert said in card, said
    assert "## Confidence" not in card
    assert "pipeline_tag" not in card
    assert "AutoModelForTokenClassification.from_pretrained" in card


def test_a_terminal_shows_tables_tiles_and_a_few_quotes(full, capsys):
    show_sections(Screen(json=False), full("\x1b[31m").sections)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    for words in (
        "(10 of 13 rows)",
        "Mean error",
        "0.200–0.300",
        "1.5 (wrong: it is 1.0), f.csv",
        "1.5 (wrong: it is 1.3), f.csv",
        "missed: person",
        "wrong: group",
        "not one",
        "! a note of it",
    ):
        assert words in said, words


def test_a_section_of_pictures_alone_is_not_on_the_card(full):
    report = full()
    pictures = [f for f in report.sections[0].figures if isinstance(f, Curve | Scatter | Quotes)]
    section = replace(report.sections[0], figures=pictures, notes=())
    assert "### All" not in model_card(replace(report, sections=[section]))
    assert "### All" in model_card(report)


# Marks


def shown(text: str, marks: list[Mark], length: int = 10_000) -> str:
    quote = Quote(text, "", "", marks=marks)
    return str(marked_text(quote, looks_of([quote]), length))


def plain(page: str) -> str:
    """The text alone, without the names of the marks."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"&nbsp;<small.*?</small>", "", page)))


def test_marks_that_cross_are_cut_into_pieces_that_nest():
    page = shown("abcdef", [Mark(0, 4, "X", "right"), Mark(2, 6, "Y", "missed")])
    assert page == (
        '<mark class="m1 right from">ab</mark>'
        '<mark class="m1 right to"><mark class="m2 missed from">cd</mark>'
        '&nbsp;<small class="tag">X</small></mark>'
        '<mark class="m2 missed to">ef&nbsp;<small class="tag">Y missed</small></mark>'
    )


SPANS = st.tuples(
    st.integers(-3, 40), st.integers(-3, 40), st.sampled_from(["A", "<b>", "שם"]),
    st.sampled_from(["right", "missed", "wrong"]),
)  # fmt: skip


@given(st.text(max_size=30), st.lists(SPANS, max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_marks_over_any_text_make_whole_html_and_lose_nothing(text, spans):
    text = text.replace("\r", "")
    page = shown(text, [Mark(*span) for span in spans])
    tags = Tags(page)
    assert (tags.broken, tags.open) == ([], [])
    assert tags.seen <= {"mark", "small"}
    assert plain(page) == text


def test_a_long_text_is_cut_around_its_first_mistake():
    text = "x" * 5000 + "Ada" + "y" * 5000
    page = shown(text, [Mark(0, 4, "A", "right"), Mark(5000, 5003, "A", "missed")], 600)
    assert plain(page) == f"…{'x' * 120}Ada{'y' * 477}… (10,003 characters)"
    assert page.count("<mark") == 1
    assert '<mark class="m1 missed from to">Ada&nbsp;<small' in page


def test_a_class_has_one_colour_throughout():
    quotes = [Quote("t", "", "", marks=[Mark(0, 1, f"c{n}", "right")]) for n in range(9)]
    looks = looks_of(reversed(quotes))
    assert looks == looks_of(quotes)
    assert looks["c0"] == looks["c7"] == "m1"
    assert len(set(looks.values())) == 7


# Plots


def test_a_scatter_of_a_million_points_stays_small_and_keeps_its_corners():
    gold = np.linspace(0, 1, 1_000_000)
    noise = np.random.default_rng(0).normal(size=len(gold))
    plot = str(scatter_plot(gold, gold + noise, title="t", x_label="x", y_label="y"))
    assert len(plot) < 150_000
    few = str(scatter_plot([0, 1, np.nan], [1, 0, 3], title="t", x_label="x", y_label="y"))
    assert few.count("h0") == 2
    assert "nan" not in few
    assert "h0" in str(scatter_plot([2], [2], title="t", x_label="x", y_label="y"))


def test_a_histogram_counts_whole_numbers_from_zero_and_others_where_they_lie():
    def heights(values, mark=None):
        plot = histogram(np.asarray(values), title="t", x_label="x", y_label="y", mark=mark)
        return re.findall(r"<title>([^<]* to [^<]*)</title>", str(plot))

    assert heights([0, 1, 1, 29]) == ["0 to 0: 1", "1 to 1: 2", "29 to 29: 1"]
    assert heights([3, 60])[0].startswith("3 to 5") or heights([3, 60])[0].startswith("2 to 3")
    assert heights([-1.5, 1.5, np.inf]) == ["-1.5 to -1.4: 1", "1.4 to 1.5: 1"]
    assert heights([0.5], (9.0, "far")) != []


def test_a_diverged_model_has_figures_too(full):
    lost = [np.nan, np.inf]
    found = [
        Curve("Curve", [Line("a", lost, lost)], "x", "y"),
        Histogram("Histogram", lost, "x", "y"),
        Scatter("Scatter", lost, lost, "x", "y"),
        Table("Table", [Column("a", "bar"), Column("b", "number")], [(np.nan, np.inf)]),
    ]
    report = full()
    section = replace(report.sections[0], figures=found)
    page = render_report(replace(report, sections=[section]))
    assert page.count("There is no finite number to draw.") == 3
    assert "nan" not in Tags(page).text
    assert "width:0.0%" in page


def test_a_long_line_is_thinned_and_keeps_its_ends():
    x = np.linspace(0, 1, 100_000)
    plot = str(picture(Curve("t", [Line("a", x, x)], "x", "y")))
    assert len(plot) < 20_000
    (points,) = re.findall(r'points="([^"]*)"', plot)
    assert points.startswith("52.0,")
    assert points.split()[-1].startswith("774.0,")


# Words


def test_a_cell_is_printed_by_its_column():
    values = ("a", 1234, 0.5, 0.5, 0.5)
    printed = [cell(x, Column("", kind)) for x, kind in zip(values, KINDS, strict=True)]
    assert printed == ["a", "1,234", "50.0%", "0.500", "50.0%"]
    assert cell(None, Column("", "share")) == "–"


def test_the_first_measures_with_a_value_are_tiles():
    measures = [Measure(name, name, "number", "low") for name in "abc"]
    assert with_value(measures, {"b": 0, "c": 1, "a": None}, 1) == [measures[1]]


# Whoever draws knows no task.

TASK_WORDS = re.compile(
    r"accura|macro|\bf1\b|log_loss|mistake|temperature|threshold"
    r"|\blabels?\b(?!_)|classif|\bclasses",
    re.IGNORECASE,
)
KNOWS_NONE = ("card.py", "report.py", "report_parts.py", "wording.py", "templates/report.html")


def task_words(source: str) -> list[str]:
    """Words of one task in what a module says or reads, its own prose left out."""
    return TASK_WORDS.findall(source)


@pytest.mark.parametrize("name", KNOWS_NONE)
def test_no_word_of_a_task_stands_where_figures_are_drawn(name):
    assert task_words('scores["accuracy"] and report.labels') == ["accura", "labels"]
    source = (Path(card_module.__file__).parent / name).read_text(encoding="utf-8")
    source = re.sub(r'^""".*?"""', "", source, flags=re.DOTALL)
    allowed = source.replace('"labels", (yaml_string(name) for name in words.labels)', "")
    assert task_words(allowed) == []
