"""Whether a model answers better than one that has not read the texts."""

from __future__ import annotations

from collections import Counter

from glossator.text.findings import Finding, count_of, quoted

__all__ = ["no_skill", "useless"]

_FEW = 10


def no_skill(answered: Counter[str], gold: Counter[str], right: int) -> list[Finding]:
    """That one label is answered for every row, or that always the same would be as good.

    Args:
        answered: how often each label was answered.
        gold: how often each is the right one.
        right: rows that got theirs.
    """
    rows = gold.total()
    if len(gold) < 2 or rows < _FEW:  # nothing can be told apart, or said of so few
        return []
    label, most = gold.most_common(1)[0]
    if len(answered) == 1:
        only = quoted(next(iter(answered)))
        return useless(f"the model answers {only} for every row", rows)
    if right <= most:
        return useless(
            f"the model is no better than a guess: {right:,} of {count_of(rows, 'row')} are right, "
            f"and {quoted(label)} for every row would be right {most:,} times",
            rows,
        )
    return []


def useless(what: str, rows: int) -> list[Finding]:
    """The finding, with what helps most often."""
    helps = "more rows, more --epochs or another --learning-rate may help"
    return [Finding("no_skill", "warning", f"{what}; {helps}", rows)]
