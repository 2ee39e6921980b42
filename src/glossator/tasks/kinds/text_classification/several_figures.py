"""What a classifier with several labels a row has to show."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.evaluation.figures import (
    Column,
    Measure,
    Quote,
    ReliabilityDiagram,
    Section,
    Table,
    Words,
)
from glossator.evaluation.multilabel import MultilabelScores
from glossator.tasks.confidence import confidence_section
from glossator.tasks.mistakes import mistakes_section
from glossator.tasks.reading import typed_texts
from glossator.text.findings import count_of

__all__ = ["MEASURES", "sections", "words"]

MEASURES = (
    Measure("micro_f1", "Micro F1", "share", "high", hub="f1"),
    Measure("macro_f1", "Macro F1", "share", "high"),
    Measure("sample_f1", "Sample F1", "share", "high", note="mean over rows"),
    Measure("exact_match", "All labels right", "share", "high", hub="accuracy"),
    Measure("precision", "Precision", "share", "high"),
    Measure("recall", "Recall", "share", "high"),
    Measure("log_loss", "Log loss", "number", "low", note="nats a label; lower is better"),
    Measure("roc_auc", "ROC AUC", "number", "high"),
    Measure("ece", "Calibration error", "share", "low"),
)

_SHOWN = 15
_FEW = 10  # rows below which a label's scores mean little


def sections(
    scores: MultilabelScores,
    thresholds: Sequence[float],
    *,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
) -> list[Section]:
    """What the scores have to show.

    Args:
        scores: of the rows that are reported.
        thresholds: (C,) above which each label is given.
        split: what these rows are called.
        mistakes: rows with wrong labels, the worst first.
        answers: a few answers as they come.
    """
    return [
        _labels(scores, thresholds, split),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"There is no wrong label in {count_of(scores.rows, f'{split} row')}.",
            said=f"The {split} rows with the surest wrong labels, given or left out.",
        ),
        confidence_section(
            [ReliabilityDiagram("Of each label by itself", scores.reliability())],
            [
                "Of the labels held to be 80% probable, eight in ten should be right. The "
                "temperature and a threshold a label were chosen on the dev rows.",
            ],
        ),
    ]


def _labels(scores: MultilabelScores, thresholds: Sequence[float], split: str) -> Section:
    columns = (
        Column("Label", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column("Threshold", "number"),
        Column("Rows", "count"),
    )
    named = zip(scores.report(), thresholds, strict=True)
    rows = [(x.label, x.f1, x.precision, x.recall, at, x.support) for x, at in named]
    rows.sort(key=lambda row: (row[5] == 0, row[1], -row[5]))
    result = scores.result()
    empty = f"{result['empty_predicted']:,} {split} rows were given no label"
    notes = [f"{empty}, {result['empty_gold']:,} have none."]
    rare = sum(row[5] < _FEW for row in rows)
    if rare:
        notes.append(
            f"{rare:,} of {len(rows):,} labels have under ten {split} rows: "
            "a score of so few means little."
        )
    return Section(
        id="labels",
        title="Labels, weakest first",
        figures=[Table("", columns, rows, _SHOWN, "labels")],
        aside=(
            "Precision: of the rows that were given this label, how many should have been. "
            "Recall: of the rows that have it, how many were. F1 is their harmonic mean.",
        ),
        notes=notes,
        short="Labels",
    )


def words(labels: Sequence[str], *, temperature: float, pair: bool) -> Words:
    """What is said of a classifier with these labels."""
    return Words(
        does=f"Reads a text and says which of {len(labels):,} labels it has; it may have several.",
        caution="A text may be given no label at all, where none is probable enough.",
        opens_as="AutoModelForSequenceClassification",
        pipeline="text-classification",
        **typed_texts(pair=pair),
        elsewhere="transformers gives the same probabilities, but for the temperature, the "
        "thresholds and the windows for long texts.",
        decided=[
            f"Logits are divided by a temperature of {temperature:.3f}, and each label is given "
            "above a threshold of its own; both were chosen on the dev rows."
        ],
        labels=labels,
    )
