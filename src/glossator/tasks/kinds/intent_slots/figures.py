"""What intents and slots have to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from glossator.evaluation.calibration import Reliability
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
from glossator.evaluation.metrics import ClassificationScores
from glossator.tasks.confidence import confidence_section, tempered
from glossator.tasks.kinds.entities.figures import label_section
from glossator.tasks.kinds.entities.tally import EntityTally
from glossator.tasks.kinds.intent_slots.config import CONFIG, Decision
from glossator.tasks.mistakes import mistakes_section
from glossator.text.findings import count_of

__all__ = ["MEASURES", "Causes", "sections", "words"]

Causes: TypeAlias = Counter[tuple[str, bool, bool]]
"""Rows by their intent, whether it was answered, and whether all slots were right."""

MEASURES = (
    Measure("frame_accuracy", "Frame accuracy", "share", "high", note="intent and all slots right"),
    Measure("intent_accuracy", "Intent accuracy", "share", "high", hub="accuracy"),
    Measure("slot_f1", "Slot F1", "share", "high", hub="f1"),
    Measure("slot_precision", "Slot precision", "share", "high", hub="precision"),
    Measure("slot_recall", "Slot recall", "share", "high", hub="recall"),
    Measure("intent_macro_f1", "Intent macro F1", "share", "high"),
    Measure("slot_macro_f1", "Slot macro F1", "share", "high", note="mean over labels"),
    Measure("ece", "Calibration error", "share", "low", note="of the intent"),
    Measure("slot_ece", "Slot calibration error", "share", "low", note="of the slots found"),
    Measure("slots", "Slots", "count", "high"),
)

_SHOWN = 15


def sections(
    causes: Causes,
    intents: ClassificationScores,
    slots: EntityTally,
    *,
    decision: Decision,
    before: Reliability,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
) -> list[Section]:
    """What the scores have to show.

    Args:
        causes: the rows that are reported.
        intents: their intents.
        slots: their slots.
        decision: how logits become probabilities.
        before: reliability of the intents without their temperature.
        split: what these rows are called.
        mistakes: texts with wrong frames, the worst first.
        answers: a few texts as they come.
    """
    return [
        _frames(causes),
        _intents(causes, intents),
        label_section(slots.scores, title="Slots", noun="a slot", nouns="slots"),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"All frames of the {split} rows are right.",
            said=f"The {split} rows with the most wrong slots; a wrong intent counts as one and "
            "more, the surer the more. Slots are marked in their text.",
        ),
        _confidence(decision, before, intents.reliability(), slots.reliability()),
    ]


def words(intents: Sequence[str], labels: Sequence[str], decision: Decision) -> Words:
    """What is said of a model of these intents and of slots with these labels."""
    return Words(
        does=f"Reads a text, says which of {len(intents):,} intents it has, and finds slots of "
        f"{count_of(len(labels), 'label')} in it.",
        caution="One of the intents is always answered, also where none fits, so look at the "
        "score; a text may have no slot.",
        opens_as=CONFIG.opens_as,
        pipeline="token-classification",
        python_input='"a text"',
        command_input="a text of your own",
        elsewhere="transformers gives the same logits of the tags, and nothing of the intent; "
        "glossator answers both, with the best sequence of tags that spells slots rightly, and "
        "reads long texts in windows.",
        decided=[
            f"Logits of the tags are divided by a temperature of {decision.temperature:.3f}, those "
            f"of the intents by {decision.intent_temperature:.3f}, fitted on the dev rows."
        ],
        labels=intents,
    )


def _frames(causes: Causes) -> Section:
    rows = max(1, causes.total())
    kinds = {
        "all right": (True, True),
        "the intent alone wrong": (False, True),
        "slots alone wrong": (True, False),
        "both wrong": (False, False),
    }
    counts = {name: _count(causes, *right) for name, right in kinds.items()}
    columns = (Column("Frames", "text"), Column("Share", "bar"), Column("Rows", "count"))
    return Section(
        id="frames",
        title="Frames by what is wrong",
        figures=[Table("", columns, [(name, n / rows, n) for name, n in counts.items()])],
        aside=(
            "A frame is right where its intent is, and all slots with both ends and the label, "
            "none missed and none invented.",
        ),
        short="Frames",
    )


def _count(causes: Causes, intent: bool, slots: bool) -> int:
    return sum(n for (_, *right), n in causes.items() if right == [intent, slots])


def _intents(causes: Causes, scores: ClassificationScores) -> Section:
    columns = (
        Column("Intent", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column("Frames right", "share"),
        Column("Rows", "count"),
    )
    rows = [
        (x.label, x.f1, x.precision, x.recall, _whole(causes, x.label, x.support), x.support)
        for x in scores.report()
    ]
    rows.sort(key=lambda row: (row[-1] == 0, row[1], -row[-1]))
    return Section(
        id="intents",
        title="Intents, weakest first",
        figures=[
            Table("", columns, rows, _SHOWN, "intents"),
            Matrix("Intents confused", scores.confusion(), scores.classes),
        ],
        aside=(
            "Precision: of the rows that got this intent, how many should have. Recall: of the "
            "rows that should have, how many did. Of the latter, in how many all slots were right "
            "too: frames right.",
            "In the matrix a row of cells is what the intent was, a column what the answer was.",
        ),
        short="Intents",
    )


def _whole(causes: Causes, intent: str, rows: int) -> float | None:
    return causes[intent, True, True] / rows if rows else None


def _confidence(
    decision: Decision, before: Reliability, after: Reliability, slots: Reliability
) -> Section:
    return confidence_section(
        [
            tempered(decision.intent_temperature, before, after, of="Of the intent"),
            ReliabilityDiagram("Of the slots found", slots),
        ],
        [
            "Of the answers given with 80%, eight in ten should be right. The score of a slot is "
            "the mean over its words.",
        ],
    )
