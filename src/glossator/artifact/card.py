"""README.md of a model folder: the model card (Mitchell et al., "Model Cards", 2019).

It travels with the model, so it says how many rows there were and how they are told apart, and
holds no text of the data. Its front matter is what the Hugging Face hub reads.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from glossator.artifact.escaping import markdown_text, shortened, visible, yaml_string
from glossator.artifact.report_parts import Report, Scores
from glossator.artifact.wording import METRICS, interval, measure, weakest_first

__all__ = ["model_card"]

_WEAKEST = 10
_LABEL = 80


def model_card(report: Report) -> str:
    """The card of a run, in Markdown with YAML front matter.

    Args:
        report: its texts, findings and command are not used.
    """
    sections = [
        _front_matter(report),
        _introduction(report),
        _scores(report),
        _weakest(report.scores),
        _confidence(report),
        _data(report),
        _limits(report),
        _use(report),
    ]
    return visible("\n".join(f"{section}\n" for section in sections if section))


def _front_matter(report: Report) -> str:
    hub_names = {"accuracy": "accuracy", "macro_f1": "f1"}
    lines = [
        "---",
        "library_name: transformers",
        f"pipeline_tag: {yaml_string(report.task)}",
        "tags:",
        "- glossator",
        f"- {yaml_string(report.task)}",
        "metrics:",
        *(f"- {name}" for name in hub_names.values()),
        "model-index:",
        f"- name: {yaml_string(report.name)}",
        "  results:",
        f"  - task: {{type: {yaml_string(report.task)}}}",
        f"    dataset: {{name: {yaml_string(f'{report.scores.split} rows')}, type: private}}",
        "    metrics:",
        *(
            f"    - {{type: {hub_names[key]}, name: {METRICS[key]}, value: {value:.6f}}}"
            for key in hub_names
            if (value := report.scores.best.get(key)) is not None
        ),
        "labels:",
        *(f"- {yaml_string(label)}" for label in report.labels),
        "---",
    ]
    return "\n".join(lines)


def _introduction(report: Report) -> str:
    count = len(report.labels)
    unfinished = "" if report.learning.finished else "\n\n**The run was interrupted.**"
    return (
        f"# {_line(report.name)}\n\n"
        f"Reads a text and says which of {count:,} classes it belongs to ({report.task}). "
        f"Fine-tuned with Glossator from {_line(report.base_model)} on {report.rows.train:,} rows, "
        f"{_line(report.created)}.{unfinished}\n\n"
        "## Intended use\n\n"
        "For texts of the kind that it was trained on, in the same language and from the same "
        "source. An answer is one of the labels in any case: a text that belongs to none of them "
        "still gets one, so look at the score. Decisions about people need a person."
    )


def _scores(report: Report) -> str:
    scores = report.scores
    split, rows = scores.split, report.rows.dev if scores.test is None else report.rows.test
    kind = "had no part in any choice" if split == "test" else "also chose the best step"
    unknown = scores.best.get("unknown_labels", 0)
    note = f" {unknown:,} have a label that the model does not know." if unknown else ""
    table = _table(
        ("Measure", split.capitalize(), "95% interval"),
        (
            (title, measure(scores.best, key), interval(scores.best, key) or "–")
            for key, title in METRICS.items()
            if key in scores.best
        ),
    )
    return f"## Scores\n\nOn {rows:,} {split} rows, which {kind}.{note}\n\n{table}"


def _weakest(scores: Scores) -> str:
    weakest = weakest_first(scores.classes)[:_WEAKEST]
    table = _table(
        ("Class", "F1", "Precision", "Recall", "Rows"),
        (
            (_line(s.label), *(f"{v:.1%}" for v in (s.f1, s.precision, s.recall)), f"{s.support:,}")
            for s in weakest
        ),
    )
    title = "Weakest classes" if len(scores.classes) > _WEAKEST else "Classes, weakest first"
    return f"### {title}\n\n{table}"


def _confidence(report: Report) -> str:
    calibration = report.calibration
    if calibration is None:
        return ""
    threshold = calibration.threshold
    decision = (
        f" The answer is {_line(report.labels[1])} where its probability is above {threshold:.3f}."
        if threshold is not None
        else ""
    )
    return (
        "## Confidence\n\n"
        f"Logits are divided by a temperature of {calibration.temperature:.3f}, fitted on the dev "
        f"rows. The expected calibration error on the {report.scores.split} rows is "
        f"{calibration.before.ece:.1%} without it and {calibration.after.ece:.1%} with it."
        f"{decision}"
    )


def _data(report: Report) -> str:
    rows = report.rows
    counts = (
        f"{rows.read:,} rows were read and {rows.rejected:,} rejected; {rows.train:,} were for "
        f"training, {rows.dev:,} for dev and {rows.test:,} for test."
    )
    table = _table(
        ("File", "Rows", "SHA-256"),
        ((_line(file.name), f"{file.rows:,}", f"`{file.sha256}`") for file in report.files),
    )
    return f"## Data\n\n{counts} No text of it is in this folder.\n\n{table}"


def _limits(report: Report) -> str:
    lengths = report.lengths
    long = (
        f"\n- It reads {lengths.limit:,} tokens at once. Glossator reads a longer text in "
        "overlapping windows; transformers cuts it off."
        if lengths is not None
        else ""
    )
    rare = sum(score.support < 10 for score in report.scores.classes)
    few = (
        f"\n- {rare:,} of {len(report.labels):,} classes have under ten "
        f"{report.scores.split} rows; their scores mean little."
        if rare
        else ""
    )
    return (
        "## Limits\n\n"
        "- The scores hold for rows drawn like these. Other sources, times and languages may "
        "score lower.\n"
        "- What is unfair or wrong in the labels was learned with them."
        f"{few}{long}"
    )


def _use(report: Report) -> str:
    folder, name = shlex.quote(shortened(report.name, 200)), repr(report.name)
    temperature = " These are the logits before temperature." if report.calibration else ""
    return (
        "## How to use it\n\n"
        f"{_fenced('sh', f'glossator predict {folder} new.csv --output answers.jsonl')}\n\n"
        + _fenced(
            "python",
            f"import glossator\n\nmodel = glossator.load({name})\nmodel.predict(['a text'])",
        )
        + f"\n\nIn transformers:{temperature}\n\n"
        + _fenced(
            "python",
            "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
            f"tokenizer = AutoTokenizer.from_pretrained({name})\n"
            f"model = AutoModelForSequenceClassification.from_pretrained({name})",
        )
    )


def _fenced(language: str, code: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"


def _line(text: str) -> str:
    return markdown_text(shortened(text, _LABEL))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
