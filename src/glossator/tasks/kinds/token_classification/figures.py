"""What token classification has to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.entities import EntityScores
from glossator.evaluation.figures import (
    Column,
    Matrix,
    Measure,
    Quote,
    ReliabilityDiagram,
    Section,
    Table,
    Words,
)
from glossator.tasks.kinds.token_classification.config import Decision
from glossator.tasks.mistakes import mistakes_section
from glossator.text.findings import count_of

__all__ = ["MEASURES", "sections", "words"]

MEASURES = (
    Measure("f1", "F1", "share", "high", hub="f1"),
    Measure("precision", "Precision", "share", "high", hub="precision"),
    Measure("recall", "Recall", "share", "high", hub="recall"),
    Measure("macro_f1", "Macro F1", "share", "high", note="mean over labels"),
    Measure("ece", "Calibration error", "share", "low", note="of the entities found"),
    Measure("entities", "Entities", "count", "high"),
)

_SHOWN = 15


def sections(
    scores: EntityScores,
    reliability: Reliability,
    *,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
) -> list[Section]:
    """What the scores have to show.

    Args:
        scores: of the rows that are reported.
        reliability: of the entities that were found.
        split: what these rows are called.
        mistakes: texts with wrong entities, the worst first.
        answers: a few texts as they come.
    """
    return [
        _labels(scores, split),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"All entities of the {split} rows are right.",
            said=f"The {split} rows with the most wrong entities. An entity is right where its "
            "ends and its label are.",
        ),
        Section(
            id="confidence",
            title="Can the probabilities be trusted",
            figures=[ReliabilityDiagram("Of the entities found", reliability)],
            aside=(
                "Of the entities found with 80%, eight in ten should be right. The score of an "
                "entity is the mean over its words.",
            ),
            short="Confidence",
        ),
    ]


def _labels(scores: EntityScores, split: str) -> Section:
    columns = (
        Column("Label", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column("Entities", "count"),
    )
    rows = [(x.label, x.f1, x.precision, x.recall, x.support) for x in scores.report()]
    rows.sort(key=lambda row: (row[4] == 0, row[1], -row[4]))
    errors = scores.errors()
    kinds = [
        ("right", errors.right),
        ("right ends, wrong label", errors.wrong_label),
        ("right label, wrong ends", errors.wrong_border),
        ("missed", errors.missed),
        ("invented", errors.invented),
    ]
    names = [*scores.labels, "none"]
    return Section(
        id="labels",
        title="Labels, weakest first",
        figures=[
            Table("", columns, rows, _SHOWN, "labels"),
            Table("What went wrong", (Column("Entities", "text"), Column("", "count")), kinds),
            Matrix("Labels confused", np.asarray(scores.confusion()), names),
        ],
        aside=(
            "Precision: of the entities found, how many are right. Recall: of those that are "
            "there, how many were found. F1 is their harmonic mean.",
            "In the matrix a row of cells is what an entity was, a column what was found; none "
            "is where only one of both is.",
        ),
        short="Labels",
    )


def words(labels: Sequence[str], opens_as: str, decision: Decision) -> Words:
    """What is said of a model that finds entities with these labels."""
    decided = []
    if decision.temperature != 1:
        decided.append(
            f"Logits are divided by a temperature of {decision.temperature:.3f}, fitted on the dev "
            "rows."
        )
    return Words(
        does=f"Reads a text and finds entities of {count_of(len(labels), 'label')} in it.",
        caution="A text without entities gets none; what looks like one but is none may be found.",
        opens_as=opens_as,
        pipeline="token-classification",
        python_input='"a text"',
        command_input="a text of your own",
        elsewhere="transformers gives the same logits; glossator answers the best sequence of tags "
        "that spells entities, and reads long texts in windows.",
        decided=decided,
        labels=labels,
    )
