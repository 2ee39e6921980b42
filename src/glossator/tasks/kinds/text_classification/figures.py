"""What text classification has to show: classes, what was confused, mistakes, confidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.confusion import ClassScore
from glossator.evaluation.figures import (
    Column,
    Curve,
    Line,
    Matrix,
    Measure,
    Pair,
    Quote,
    Section,
    Table,
    Words,
)
from glossator.evaluation.metrics import ClassificationScores
from glossator.evaluation.thresholds import ThresholdCurve
from glossator.tasks.confidence import confidence_section, tempered
from glossator.tasks.mistakes import mistakes_section
from glossator.tasks.reading import typed_texts
from glossator.text.findings import count_of

__all__ = ["MEASURES", "SCOPE_MEASURES", "SET_MEASURES", "Calibration", "sections", "words"]

MEASURES = (
    Measure("accuracy", "Accuracy", "share", "high", hub="accuracy"),
    Measure("macro_f1", "Macro F1", "share", "high", hub="f1"),
    Measure("log_loss", "Log loss", "number", "low", note="nats a row; lower is better"),
    Measure("ece", "Calibration error", "share", "low", note="mean gap of sure and right"),
    Measure("micro_f1", "Micro F1", "share", "high"),
    Measure("roc_auc", "ROC AUC", "number", "high"),
)

SCOPE_MEASURES = (
    Measure("oos_auroc", "Out-of-scope AUROC", "share", "high"),
    Measure("oos_recall", "Out-of-scope recall", "share", "high"),
    Measure("in_scope_kept", "In scope and kept", "share", "high"),
)
SET_MEASURES = (
    Measure("coverage", "Coverage of the sets", "share", "high"),
    Measure("set_size", "Labels a set", "number", "low"),
    Measure("answered", "Sets of one label", "share", "high"),
    Measure("answered_accuracy", "Right among these", "share", "high"),
)

_ALWAYS = (
    "An answer is one of the labels in any case: a text that belongs to none of them still gets "
    "one, so look at the score."
)
_SHOWN = 15  # classes that are seen at once
_FEW = 10  # rows below which a class's scores mean little
_NAME = 60


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How true the probabilities are.

    Args:
        temperature: what the logits are divided by (> 0).
        before: reliability without it, on the rows that are reported.
        after: reliability with it, on the same rows.
        threshold: with two classes, the probability that the second must pass.
        curve: with two classes, precision and recall of the second at each threshold.
    """

    temperature: float
    before: Reliability
    after: Reliability
    threshold: float | None = None
    curve: ThresholdCurve | None = None


def sections(
    scores: ClassificationScores,
    *,
    split: str = "test",
    mistakes: Sequence[Quote] = (),
    answers: Sequence[Quote] = (),
    calibration: Calibration | None = None,
) -> list[Section]:
    """What the scores have to show.

    Args:
        scores: of the rows that are reported.
        split: what these rows are called.
        mistakes: wrong answers, the surest first.
        answers: a few answers as they come.
        calibration: of the probabilities, or None where none was fitted.
    """
    found = [_classes(scores, split)]
    if mistakes or answers:
        none = f"There is no wrong answer in {count_of(scores.rows, f'{split} row')}."
        said = (
            f"The {split} rows where the model was surest and wrong. Read them first: some are "
            "labelled wrongly, and some show what the training rows lack."
        )
        found.append(mistakes_section(split, mistakes, answers, none=none, said=said))
    if calibration is not None:
        found.append(_confidence(calibration, scores.classes))
    return found


def words(
    labels: Sequence[str],
    *,
    temperature: float | None = None,
    threshold: float | None = None,
    pair: bool = False,
    refuses: str = "",
) -> Words:
    """What is said of a classifier.

    Args:
        labels: names of the C classes.
        pair: whether it reads two texts together.
        temperature: what its logits are divided by, or None where none was fitted.
        threshold: with two classes, the probability that the second must pass.
        refuses: when it gives no label, in a sentence; empty: it always gives one.
    """
    left_out = ["the windows for long texts"]
    decided = []
    if temperature is not None:
        left_out.insert(0, "the temperature")
        decided.append(
            f"Logits are divided by a temperature of {temperature:.3f}, fitted on the dev rows."
        )
    if threshold is not None:
        left_out.insert(-1, "the threshold")
        name = _short(labels[1])
        decided.append(f"The answer is {name} where its probability is above {threshold:.3f}.")
    return Words(
        does=f"Reads {'a pair of texts' if pair else 'a text'} and says which of {len(labels):,} "
        "classes it belongs to.",
        caution=refuses or _ALWAYS,
        opens_as="AutoModelForSequenceClassification",
        pipeline="text-classification",
        **typed_texts(pair=pair),
        elsewhere=f"transformers gives the same answers by label, without {_listed(left_out)}.",
        decided=decided,
        labels=labels,
    )


def _classes(scores: ClassificationScores, split: str) -> Section:
    classes = scores.report()
    columns = (
        Column("Class", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column("Rows", "count"),
    )
    rows = [(s.label, s.f1, s.precision, s.recall, s.support) for s in _weakest_first(classes)]
    return Section(
        id="classes",
        title="Classes, weakest first",
        figures=[
            Table("", columns, rows, _SHOWN, "classes"),
            Matrix("Confusion matrix", scores.confusion(), scores.classes),
        ],
        aside=(
            "Precision: of the rows that got this answer, how many should have. Recall: of the "
            "rows that should have, how many did. F1 is their harmonic mean.",
            "In the matrix a row of cells is what the class was, a column what the answer was. "
            "Blue is right, red is wrong. The classes stand in the order of the model's labels.",
        ),
        notes=list(_class_notes(scores, classes, split)),
        short="Classes",
    )


def _class_notes(
    scores: ClassificationScores, classes: Sequence[ClassScore], split: str
) -> Iterable[str]:
    unknown = scores.unknown_labels
    if unknown:
        have = "has" if unknown == 1 else "have"
        yield (
            f"{count_of(unknown, f'{split} row')} {have} a label that the model does not know. "
            "Such a row counts as wrong."
        )
    rare = sum(score.support < _FEW for score in classes)
    if rare:
        yield (
            f"{rare:,} of {len(classes):,} classes have under ten {split} rows: "
            "a score of so few means little."
        )


def _weakest_first(classes: Iterable[ClassScore]) -> list[ClassScore]:
    """The classes by F1, lowest first and of equal ones the larger; those without rows last."""
    return sorted(classes, key=lambda score: (score.support == 0, score.f1, -score.support))


def _confidence(calibration: Calibration, labels: Sequence[str]) -> Section:
    figures: list[Pair | Curve] = [
        tempered(calibration.temperature, calibration.before, calibration.after)
    ]
    aside = [
        "Of the answers given with 80%, eight in ten should be right. Blue bars are how often "
        "answers were right, red lines how sure they were. Where the bar ends below the line, the "
        "model is too sure of itself; pale bars hold few rows.",
        "One number, the temperature, was fitted on the dev rows. It changes no answer, only how "
        "sure it is.",
    ]
    if calibration.curve is not None:
        figures.append(_threshold(calibration.curve, calibration.threshold, labels[1]))
        aside.append("Raise the threshold for fewer false alarms, lower it to miss less.")
    return confidence_section(figures, aside)


def _threshold(curve: ThresholdCurve, used: float | None, label: str) -> Curve:
    lines = (("precision", curve.precision), ("recall", curve.recall), ("F1", curve.f1))
    return Curve(
        f"Where {_short(label)} begins",
        [Line(name, curve.threshold, values) for name, values in lines],
        x_label="threshold",
        y_label="share",
        y_range=(0, 1),
        mark=None if used is None else (used, f"used: {used:.2f}"),
    )


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"


def _listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
