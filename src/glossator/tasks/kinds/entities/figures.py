"""What entities have to show, label by label."""

from __future__ import annotations

import numpy as np

from glossator.evaluation.entities import EntityScores
from glossator.evaluation.figures import Column, Matrix, Section, Table

__all__ = ["label_section"]

_SHOWN = 15


def label_section(
    scores: EntityScores,
    *,
    title: str = "Labels",
    noun: str = "an entity",
    nouns: str = "entities",
) -> Section:
    """Precision, recall and F1 of each label, what went wrong, and what was taken for what.

    Args:
        scores: of the rows that are reported.
        title: of the section.
        noun: what has a label, with its article, and
        nouns: several of them.
    """
    many = nouns.capitalize()
    columns = (
        Column("Label", "text"),
        Column("F1", "bar"),
        Column("Precision", "share"),
        Column("Recall", "share"),
        Column(many, "count"),
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
        title=f"{title}, weakest first",
        figures=[
            Table("", columns, rows, _SHOWN, "labels"),
            Table("What went wrong", (Column(many, "text"), Column("", "count")), kinds),
            Matrix("Labels confused", np.asarray(scores.confusion()), names),
        ],
        aside=(
            f"Precision: of the {nouns} found, how many are right. Recall: of those that are "
            "there, how many were found. F1 is their harmonic mean.",
            f"In the matrix a row of cells is what {noun} was, a column what was found; none "
            "is where only one of both is.",
        ),
        short=title,
    )
