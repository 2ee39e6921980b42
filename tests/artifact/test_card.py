from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.artifact.card import model_card
from glossator.artifact.escaping import markdown_text, yaml_string
from glossator.artifact.report import render_report

yaml = pytest.importorskip("yaml", reason="PyYAML is the referee here")

ODD_LABELS = [
    "yes",
    "no: really",
    "null",
    "- dash",
    "#comment",
    "\"quoted\" 'both'",
    "back\\slash",
    "two\nlines",
    "tab\there",
    "中文，标签",
    "👍🏽",
    "{a: b}",
    "*anchor &amp",
    "a|b",
    "<script>x</script>",
    "`tick`",
    "---",
    "",
]


def front_matter(card: str) -> dict:
    head = re.match(r"---\n(.*?)\n---\n", card, re.S)
    assert head
    return yaml.safe_load(head[1])


def test_front_matter_is_what_the_hub_reads(report_of):
    report = report_of(["neg", "pos"])
    head = front_matter(model_card(report))
    assert head["pipeline_tag"] == "text-classification"
    assert "glossator" in head["tags"]
    assert head["metrics"] == ["accuracy", "f1"]
    assert "license" not in head
    (index,) = head["model-index"]
    assert index["name"] == "tickets-model"
    (result,) = index["results"]
    assert result["dataset"]["name"] == "test rows"
    accuracy = result["metrics"][0]
    assert accuracy["value"] == pytest.approx(report.test["accuracy"], abs=1e-6)


def test_odd_labels_survive_yaml(report_of):
    head = front_matter(model_card(report_of(ODD_LABELS)))
    assert head["labels"] == ODD_LABELS


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_text_survives_yaml(text):
    assert yaml.safe_load(f"- {yaml_string(text)}") == [text]


def test_half_a_character_is_replaced():
    assert yaml.safe_load(yaml_string("a\ud800b")) == "a\ufffdb"


def test_hub_accepts_the_card(report_of):
    hub = pytest.importorskip("huggingface_hub", reason="the hub's own reader")
    card = hub.ModelCard(model_card(report_of(ODD_LABELS)))
    assert card.data.eval_results[0].metric_type == "accuracy"
    assert card.data.model_name == "tickets-model"


def test_no_text_of_the_data_is_in_it(report_of):
    report = report_of()
    secrets = ["where is it", "as it comes", "an example", "two labels for one text"]
    secrets += ["glossator fit", "test.csv"]
    assert not [secret for secret in secrets if secret in model_card(report)]
    # the control: the report, made of the same object, does show them
    assert not [secret for secret in secrets if secret not in render_report(report)]


def test_it_says_what_matters(report_of):
    card = model_card(report_of())
    for words in (
        "# tickets-model",
        "## Intended use",
        "## Limits",
        "| Accuracy |",
        "95% interval",
        "1,005 rows were read and 5 rejected",
        "5e5e5e",
        "temperature of 1.400",
        "above 0.420",
        "As trained: expected calibration error",
        "Most often confused",
        "reads 128 tokens at once",
        "glossator.load('tickets-model')",
        "AutoModelForSequenceClassification.from_pretrained('tickets-model')",
    ):
        assert words in card, words


def test_no_label_breaks_out_of_the_tables(report_of):
    card = model_card(report_of(ODD_LABELS))
    for line in card[card.index("\n# ") :].splitlines():
        if line.startswith("| ") and "SHA" not in line and "`" * 2 not in line:
            bars = len(re.findall(r"(?<!\\)\|", line))
            assert bars in (4, 5, 6), line
    body = card[card.index("\n# ") :]
    assert "<script>" not in body
    assert markdown_text("a\n\n# b | <i> *c* `d`") == "a # b \\| &lt;i> \\*c\\* \\`d\\`"


def test_backticks_do_not_end_a_code_block(report_of):
    report = replace(report_of(), name="x```\n<script>")
    card = model_card(report)
    fences = re.findall(r"^(`{3,})\w*$", card, re.M)
    assert set(fences) == {"````"}


def test_the_least_that_a_run_can_say(report_of):
    report = report_of()
    least = replace(
        report,
        test=None,
        measures=[replace(measure, hub="") for measure in report.measures],
        sections=[],
        words=replace(report.words, decided=(), labels=(), pipeline="", elsewhere=""),
        lengths=None,
        learning=replace(report.learning, finished=False),
    )
    card = model_card(least)
    assert "On 100 dev rows, which also chose the best step" in card
    assert "## Confidence" not in card
    assert "**The run was interrupted after " in card
    head = front_matter(card)
    assert head == {"library_name": "transformers", "tags": ["glossator", "text-classification"]}


def test_a_folder_name_that_is_hardly_text(report_of):
    card = model_card(replace(report_of(), name="a\ud800\x00b", base_model="\x1b[0m"))
    assert not re.search(r"[\x00-\x08\x0e-\x1f]", card.encode("utf-8").decode("utf-8"))
