"""The section of a report that shows wrong answers, and a few as they come."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.evaluation.figures import Quote, Quotes, Section
from glossator.text.findings import count_of

__all__ = ["mistakes_section"]


def mistakes_section(
    split: str,
    mistakes: Sequence[Quote],
    answers: Sequence[Quote],
    *,
    none: str,
    said: str,
) -> Section:
    """The section.

    Args:
        split: what the rows are called.
        mistakes: wrong answers, the worst first.
        answers: a few answers as they come.
        none: what is said where nothing is wrong.
        said: which mistakes these are, where there are some.
    """
    quotes = [Quotes("", mistakes, none=none)]
    if answers:
        quotes.append(Quotes(f"Answers for {count_of(len(answers), f'{split} row')}", answers))
    return Section(
        id="mistakes",
        title="Worst mistakes",
        figures=quotes,
        aside=[said] if mistakes else [],
        short="Answers",
    )
