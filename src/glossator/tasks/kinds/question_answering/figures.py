"""What question answering has to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glossator.evaluation.calibration import Reliability
from glossator.evaluation.figures import (
    Column,
    Curve,
    Line,
    Measure,
    Quote,
    ReliabilityDiagram,
    Section,
    Table,
    Words,
)
from glossator.tasks.confidence import confidence_section
from glossator.tasks.kinds.question_answering.config import Decision
from glossator.tasks.mistakes import mistakes_section

__all__ = ["MEASURES", "cut_curve", "group_table", "length_curve", "sections", "words"]

MEASURES = (
    Measure("f1", "F1", "share", "high", hub="f1"),
    Measure("exact_match", "Exact match", "share", "high", hub="exact_match"),
    Measure("answered_f1", "F1 where there is an answer", "share", "high"),
    Measure("unanswered", "Right that there is none", "share", "high"),
    Measure("ece", "Calibration error", "share", "low", note="of the answers given"),
    Measure("rows", "Questions", "count", "high"),
)

_BINS = 8
_POINTS = 201


def group_table(title: str, noun: str, groups: Sequence[tuple[str, Sequence[float]]]) -> Table:
    """F1 and exact match of groups of rows."""
    columns = (
        Column(noun, "text"),
        Column("F1", "bar"),
        Column("Exact match", "share"),
        Column("Questions", "count"),
    )
    rows = [(name, f1 / rows, exact / rows, int(rows)) for name, (f1, exact, rows) in groups]
    return Table(title, columns, rows)


def length_curve(lengths: NDArray[np.float64], f1: NDArray[np.float64]) -> Curve:
    """F1 over the length of contexts, in groups of as many rows each; (N,) each, N at least 1."""
    order = np.argsort(lengths, kind="stable")
    parts = np.array_split(order, min(_BINS, len(order)))
    middles, means = zip(*((np.median(lengths[p]), f1[p].mean()) for p in parts), strict=True)
    return Curve(
        "By the length of the context",
        [Line("F1", middles, means)],
        "characters of the context",
        "F1",
        y_range=(0, 1),
    )


def cut_curve(rows: NDArray[np.float64], threshold: float) -> Curve:
    """F1 over the score from which on there is an answer.

    Args:
        rows: (N, 3) score of the best answer, its F1, and F1 where none is given.
        threshold: the one decided on.
    """
    scores, given, none = rows.T
    low, high = np.quantile(scores, (0.01, 0.99))
    cuts = np.linspace(min(low, threshold) - 1, max(high, threshold) + 1, _POINTS)
    means = [float(np.where(scores > cut, given, none).mean()) for cut in cuts]
    mark = (threshold, "decided on the dev rows")
    return Curve(
        "By the score above which there is an answer",
        [Line("F1", cuts, means)],
        "score: log of answer against none",
        "F1",
        y_range=(0, 1),
        mark=mark,
    )


def sections(
    groups: Sequence[Table],
    curves: Sequence[Curve],
    reliability: Reliability,
    *,
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
) -> list[Section]:
    """What the scores have to show.

    Args:
        groups: scores of groups of rows.
        curves: F1 over what it hangs on.
        reliability: of the answers that were given.
        split: what the rows are called.
        mistakes: wrong answers, the surest first.
        answers: a few as they come.
    """
    return [
        Section(
            id="questions",
            title="Which questions are hard",
            figures=[*groups, *curves],
            aside=(
                "An exact match is the right answer but for case, punctuation and articles. F1 "
                "counts the words, in Chinese the characters, that both have in common.",
                "Where a question has several right answers the nearest counts.",
            ),
            short="Questions",
        ),
        mistakes_section(
            split,
            mistakes,
            answers,
            none=f"All answers to the {split} rows are right.",
            said=f"The {split} rows whose answer is furthest from right, the surest first.",
        ),
        confidence_section(
            [ReliabilityDiagram("Exact matches", reliability)],
            ["Of the answers given with 80%, eight in ten should be exact matches."],
        ),
    ]


def words(opens_as: str, decision: Decision, *, nullable: bool) -> Words:
    """What is said of a model that finds answers."""
    decided = []
    if decision.temperature != 1:
        decided.append(
            f"Scores are divided by a temperature of {decision.temperature:.3f}, fitted on the dev "
            "rows."
        )
    if nullable:
        decided.append(
            f"An answer is given where its score is above {decision.threshold:.3f}: the log of how "
            "much more probable it is than that there is none."
        )
    row = '{"question": "who?", "context": "a text that says it"}'
    return Words(
        does="Reads a question and a text, and finds where the text answers it.",
        caution="An answer is a piece of the text, word for word; it may be the wrong piece."
        if nullable
        else "A text that does not answer the question gets an answer all the same.",
        opens_as=opens_as,
        pipeline="question-answering",
        python_input=row,
        command_input=row,
        command_format="jsonl",
        elsewhere="transformers gives the same logits; glossator weighs each window of a long text "
        "against its own chance of no answer.",
        decided=decided,
    )
