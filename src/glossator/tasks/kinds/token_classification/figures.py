"""What token classification has to show."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.entities import EntityScores
from glossator.evaluation.figures import (
    Measure,
    Quote,
    ReliabilityDiagram,
    Section,
    Words,
)
from glossator.tasks.confidence import confidence_section
from glossator.tasks.kinds.entities.figures import label_section
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
        label_section(scores),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"All entities of the {split} rows are right.",
            said=f"The {split} rows with the most wrong entities. An entity is right where its "
            "ends and its label are.",
        ),
        confidence_section(
            [ReliabilityDiagram("Of the entities found", reliability)],
            [
                "Of the entities found with 80%, eight in ten should be right. The score of an "
                "entity is the mean over its words.",
            ],
        ),
    ]


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
