"""What relation extraction has to show: relations, what was confused, mistakes, confidence."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.figures import (
    Column,
    Matrix,
    Measure,
    Quote,
    Section,
    Table,
    Words,
)
from glossator.evaluation.relations import RelationCounts
from glossator.tasks.confidence import confidence_section, tempered
from glossator.tasks.mistakes import mistakes_section
from glossator.text.findings import count_of

__all__ = ["measures", "sections", "words"]

_SHOWN = 15
_FEW = 10

_MACRO = Measure("macro_f1", "Macro F1", "share", "high", note="mean over relations", hub="f1")
_MICRO = Measure("micro_f1", "Micro F1", "share", "high")
_REST = (
    Measure("precision", "Precision", "share", "high", note="over all relations"),
    Measure("recall", "Recall", "share", "high", note="over all relations"),
    Measure("accuracy", "Accuracy", "share", "high", hub="accuracy"),
    Measure("log_loss", "Log loss", "number", "low", note="nats a row; lower is better"),
    Measure("ece", "Calibration error", "share", "low", note="mean gap of sure and right"),
)


def measures(*, directed: bool) -> tuple[Measure, ...]:
    """The scores, the one to judge by first.

    Args:
        directed: whether relations have directions; macro F1 is then SemEval's official score.
    """
    return (_MACRO, _MICRO, *_REST) if directed else (_MICRO, _MACRO, *_REST)


def sections(
    counts: RelationCounts,
    labels: Sequence[str],
    *,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
    temperature: float,
    before: Reliability,
    after: Reliability,
) -> list[Section]:
    """What the scores have to show.

    Args:
        counts: of the rows that are reported.
        labels: the relations that the model has.
        split: what these rows are called.
        mistakes: wrong answers, the surest first.
        answers: a few answers as they come.
        temperature: what logits are divided by.
        before: reliability of the answers without it, and
        after: with it.
    """
    return [
        _relations(counts, labels, split),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"There is no wrong answer in {count_of(counts.rows, f'{split} row')}.",
            said=f"The {split} rows where the model was surest and wrong, with head and tail "
            "marked. Read them first: some are labelled wrongly, and some show what the training "
            "rows lack.",
        ),
        _confidence(temperature, before, after),
    ]


def words(
    labels: Sequence[str], temperature: float, negative: str | None, *, marked: bool
) -> Words:
    """What is said of a model.

    Args:
        labels: names of the relations.
        temperature: what logits are divided by.
        negative: the name that says that there is no relation, if one does.
        marked: whether texts have marks, and no columns of head and tail.
    """
    given = '{"text": "<e1>Ann</e1> left <e2>Oslo</e2>."}'
    if not marked:
        given = '{"text": "Ann left Oslo.", "head": "Ann", "tail": "Oslo"}'
    none = (
        f"{negative!r} says that there is none" if negative else "there is none for 'no relation'"
    )
    return Words(
        does="Reads a text in which two pieces are marked and says which of "
        f"{count_of(len(labels), 'relation')} they have.",
        caution=f"One of the relations is always answered; {none}, so look at the score.",
        opens_as="AutoModel",
        pipeline="",
        python_input=given,
        command_input=given,
        command_format="jsonl",
        elsewhere="transformers opens the encoder; the head that names the relation is in "
        "heads.safetensors, and reads the marks that stand before head and tail.",
        decided=[
            f"Logits are divided by a temperature of {temperature:.3f}, fitted on the dev rows."
        ],
        labels=labels,
    )


def _relations(counts: RelationCounts, labels: Sequence[str], split: str) -> Section:
    columns = [
        Column("Relation", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column("Rows", "count"),
    ]
    report = sorted(counts.report(), key=lambda x: (x.support == 0, x.f1, -x.support))
    rows: list[tuple[str | float, ...]] = [
        (x.name, x.f1, x.precision, x.recall, x.support) for x in report
    ]
    aside = [
        "Precision: of the rows that got this relation, how many have it. Recall: of the rows that "
        "have it, how many got it. F1 is their harmonic mean.",
    ]
    if counts.directed:
        columns.append(Column("Turned round", "count"))
        rows = [(*row, x.turned) for row, x in zip(rows, report, strict=True)]
        aside.append(
            "Both directions of a relation are one row. An answer the other way round is wrong, "
            "and counts as turned round."
        )
    if counts.negative:
        aside.append(f"{counts.negative!r} says that there is no relation, and is in no F1.")
    rare = sum(x.support < _FEW for x in report)
    notes = [
        f"{rare:,} of {len(report):,} relations have under ten {split} rows: a score of so few "
        "means little."
    ]
    return Section(
        id="relations",
        title="Relations, weakest first",
        figures=[
            Table("", columns, rows, _SHOWN, "relations"),
            Matrix("Relations confused", counts.confusion(labels), labels),
        ],
        aside=aside,
        notes=notes if rare else [],
        short="Relations",
    )


def _confidence(temperature: float, before: Reliability, after: Reliability) -> Section:
    return confidence_section(
        [tempered(temperature, before, after)],
        [
            "Of the relations answered with 80%, eight in ten should be right. Blue bars are how "
            "often they were, red lines how sure the model was.",
            "One number, the temperature, was fitted on the dev rows. It changes no answer.",
        ],
    )
