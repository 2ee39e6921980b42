"""README.md of a model folder: the model card (Mitchell et al., "Model Cards", 2019).

It travels with the model, so it says how many rows there were and how they are told apart, and
holds no text of the data: quotes are the one figure that it leaves out. Its front matter is what
the Hugging Face hub reads.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from glossator.artifact.escaping import markdown_text, shortened, visible, yaml_string
from glossator.artifact.folder import Details
from glossator.artifact.markdown_figures import line, section_text, table
from glossator.artifact.report_parts import UNSCORED, Report
from glossator.artifact.wording import interval, measure, with_value
from glossator.evaluation.figures import Measure, Words

__all__ = ["model_card", "untrained_card"]


def model_card(report: Report) -> str:
    """The card of a run, in Markdown with YAML front matter.

    Args:
        report: its quotes, findings and command are not used.
    """
    parts = [
        _front_matter(report.task, report.words, _model_index(report)),
        _introduction(report),
        _scores(report),
        *(section_text(section) for section in report.sections),
        _confidence(report.words),
        _data(report),
        _limits(report),
        _use(report.name, report.words),
    ]
    return _joined(parts)


def untrained_card(name: str, words: Words, details: Details) -> str:
    """The card of a model that answers without having been trained here.

    Args:
        name: of its folder.
        words: of its task.
        details: of the folder.
    """
    parts = [
        _front_matter(details.task, words),
        f"# {line(name)}\n\n{markdown_text(words.does)} "
        f"Made with Glossator from {line(details.base_model)}; nothing was trained, and nothing "
        f"scored: `glossator evaluate` does that with labelled rows.\n\n"
        f"## Intended use\n\n{markdown_text(words.caution)} Decisions about people need a person.",
        _meanings(words),
        _confidence(words),
        "## Limits\n\n"
        "- What is unfair or wrong in the rows that the model was trained on was learned with "
        f"them.\n- {_long(details.max_length)}",
        _use(name, words),
    ]
    return _joined(parts)


def _joined(parts: Iterable[str]) -> str:
    return visible("\n".join(f"{part}\n" for part in parts if part))


def _front_matter(task: str, words: Words, scores: Iterable[str] = ()) -> str:
    lines = [
        "---",
        "library_name: transformers",
        *([f"pipeline_tag: {yaml_string(words.pipeline)}"] if words.pipeline else ()),
        "tags:",
        "- glossator",
        f"- {yaml_string(task)}",
        *scores,
        *_listed("labels", (yaml_string(name) for name in words.labels)),
        "---",
    ]
    return "\n".join(lines)


def _model_index(report: Report) -> list[str]:
    """The scores that the hub has a name for, if there are any."""
    known: Sequence[Measure] = [m for m in with_value(report.measures, report.metrics) if m.hub]
    if not known:
        return []
    rows = f"{report.split} rows{report.refit.before if report.refit else ''}"
    values = [
        f"{{type: {m.hub}, name: {yaml_string(m.title)}, value: {report.metrics[m.name]:.6f}}}"
        for m in known
    ]
    return [
        *_listed("metrics", [m.hub for m in known]),
        "model-index:",
        f"- name: {yaml_string(report.name)}",
        "  results:",
        f"  - task: {{type: {yaml_string(report.words.pipeline or report.task)}}}",
        f"    dataset: {{name: {yaml_string(rows)}, type: private}}",
        *_listed("    metrics", values),
    ]


def _listed(key: str, values: Iterable[str]) -> list[str]:
    """A YAML list under `key`, which may be indented; an empty one is left out."""
    indent = " " * (len(key) - len(key.lstrip()))
    lines = [f"{indent}- {value}" for value in values]
    return [f"{key}:", *lines] if lines else []


def _introduction(report: Report) -> str:
    unfinished = f"\n\n**{report.interrupted}**" if report.interrupted else ""
    rows = report.refit.rows if report.refit and report.refit.rows else report.rows.train
    return (
        f"# {line(report.name)}\n\n"
        f"{markdown_text(report.words.does)} "
        f"Fine-tuned with Glossator from {line(report.base_model)} on {rows:,} rows, "
        f"{line(report.created)}.{unfinished}\n\n"
        "## Intended use\n\n"
        "For texts of the kind that it was trained on, in the same language and from the same "
        f"source. {markdown_text(report.words.caution)} Decisions about people need a person."
    )


def _scores(report: Report) -> str:
    if not report.split:
        return f"## Scores\n\n{UNSCORED}"
    kind = "had no part in any choice" if report.split == "test" else "also chose the best step"
    found = table(
        ("Measure", report.split.capitalize(), "95% interval"),
        (
            (line(m.title), measure(report.metrics, m), interval(report.metrics, m) or "–")
            for m in report.measures
            if m.name in report.metrics
        ),
    )
    told = "".join(f"**{markdown_text(x.message)}.**\n\n" for x in report.remarks)
    told += f"{markdown_text(report.recipe.sentence)}\n\n" if report.recipe else ""
    told += f"**{markdown_text(report.refit.sentence)}**\n\n" if report.refit else ""
    return f"## Scores\n\n{told}On {report.scored:,} {report.split} rows, which {kind}.\n\n{found}"


def _meanings(words: Words) -> str:
    if not words.meanings:
        return ""
    rows = ((line(name), line(meaning) or "–") for name, meaning in words.meanings.items())
    return f"## Answers\n\n{table(('Answer', 'What stands for it'), rows)}"


def _confidence(words: Words) -> str:
    sentences = " ".join(markdown_text(sentence) for sentence in words.decided)
    return f"## Confidence\n\n{sentences}" if sentences else ""


def _data(report: Report) -> str:
    rows = report.rows
    counts = (
        f"{rows.read:,} rows were read and {rows.rejected:,} rejected; {rows.train:,} were for "
        f"training, {rows.dev:,} for dev and {rows.test:,} for test."
    )
    if report.refit and report.refit.rows:
        counts += f" After that {report.refit.rows:,} of them were learned from."
    found = table(
        ("File", "Rows", "SHA-256"),
        ((line(file.name), f"{file.rows:,}", f"`{file.sha256}`") for file in report.files),
    )
    return f"## Data\n\n{counts} No text of it is in this folder.\n\n{found}"


def _limits(report: Report) -> str:
    lengths = report.lengths
    long = f"\n- {_long(lengths.limit)}" if lengths is not None else ""
    return (
        "## Limits\n\n"
        "- The scores hold for rows drawn like these. Other sources, times and languages may "
        "score lower.\n"
        "- What is unfair or wrong in the training rows was learned with them."
        f"{long}"
    )


def _long(limit: int) -> str:
    return (
        f"It reads {limit:,} tokens at once. Glossator reads a longer text in overlapping windows; "
        "transformers cuts it off."
    )


def _use(called: str, words: Words) -> str:
    name, folder = repr(called), shlex.quote(shortened(called, 200))
    elsewhere = f" {markdown_text(words.elsewhere)}" if words.elsewhere else ""
    command = (
        f"echo {shlex.quote(words.command_input)} | "
        f"glossator predict {folder} - --format {words.command_format}\n"
        f"glossator predict {folder} new.csv --output answers.jsonl"
    )
    python = (
        f"import glossator\n\nmodel = glossator.load({name})\nmodel.predict([{words.python_input}])"
    )
    transformers = (
        f"from transformers import {words.opens_as}, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({name})\n"
        f"model = {words.opens_as}.from_pretrained({name})"
    )
    return (
        f"## How to use it\n\n{_fenced('sh', command)}\n\n{_fenced('python', python)}\n\n"
        f"In transformers:{elsewhere}\n\n{_fenced('python', transformers)}"
    )


def _fenced(language: str, code: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"
