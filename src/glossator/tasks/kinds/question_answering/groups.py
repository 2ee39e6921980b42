"""Groups of questions that a report scores by themselves."""

from __future__ import annotations

import re

__all__ = ["length_group", "question_group"]

# The first that is found names the group: the longer ones stand before those that they hold.
_ENGLISH = ("how many", "how much", "which", "what", "whom", "who", "when", "where", "why", "how")
_CHINESE = {
    "为什么": "为什么", "为何": "为什么", "什么时候": "何时", "何时": "何时", "哪一年": "何时",
    "哪年": "何时", "多少": "多少", "几": "多少", "什么": "什么", "何": "什么", "谁": "谁",
    "哪里": "哪里", "哪儿": "哪里", "哪": "哪", "怎么": "怎样", "怎样": "怎样", "如何": "怎样",
}  # fmt: skip
_FIRST = {word: word for word in _ENGLISH} | _CHINESE
_WORD = re.compile(
    rf"\b(?:{'|'.join(_ENGLISH)})\b|{'|'.join(sorted(_CHINESE, key=len, reverse=True))}"
)
_LENGTHS = (5, 10, 20, 40)


def question_group(question: str) -> str:
    """The word that asks, in English or Chinese; `other` where none is known."""
    found = _WORD.search(question.lower())
    return _FIRST[found[0]] if found else "other"


def length_group(answer: str | None) -> tuple[int, str]:
    """How long an answer is: a number to sort by, and `6 to 10 characters`; None is no answer."""
    if answer is None:
        return -1, "no answer"
    low = 1
    for number, high in enumerate(_LENGTHS):
        if len(answer) <= high:
            return number, f"{low} to {high} characters"
        low = high + 1
    return len(_LENGTHS), f"{low} characters and more"
