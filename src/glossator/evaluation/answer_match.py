"""How near a given answer is to the right one, as the official scripts measure it.

Texts in words are compared as in SQuAD (Rajpurkar et al. 2016, "SQuAD: 100,000+ questions", section
6.1; evaluate-v1.1), and where there is no answer as in SQuAD 2.0 (Rajpurkar et al. 2018, "Know what
you don't know"; evaluate-v2.0). Texts in Chinese characters are compared as in CMRC 2018 (Cui et
al. 2019, "A span-extraction dataset for Chinese machine reading comprehension", section 4.1;
cmrc2018_evaluate), but for one thing: what is not Chinese is cut at spaces and punctuation, where
that script asks nltk.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Match", "best_match", "is_in_characters"]

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# What CMRC leaves out: marks of Chinese, and some of ASCII that stand between words.
_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_PIECE = re.compile(r"[\u4e00-\u9fa5]|(?:(?![\u4e00-\u9fa5])\w)+|[^\w\s]")

_CHARACTERS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORDS = re.compile("(?:(?![\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])\\w)+")


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """How near an answer is, from 0 to 1: `f1` of what both share, `exact` where nothing differs.

    Both are the best over the right answers, each by itself, as the scripts take them.
    """

    f1: float
    exact: bool


def is_in_characters(text: str) -> bool:
    """Whether a text is written in Chinese or Japanese characters rather than in words."""
    return len(_CHARACTERS.findall(text)) > len(_WORDS.findall(text))


def best_match(gold: Sequence[str], answer: str, *, characters: bool) -> Match:
    """How near `answer` is to the nearest of the right answers.

    Args:
        gold: the right answers; none where there is no answer.
        answer: the one given; empty where none is.
        characters: whether the texts are compared as CMRC does, else as SQuAD does.
    """
    if not gold or not answer:  # as in SQuAD 2.0: none is right where there is none, and only there
        same = not gold and not answer
        return Match(float(same), same)
    rule = _in_characters if characters else _in_words
    found = [rule(right, answer) for right in gold]
    return Match(max(x.f1 for x in found), any(x.exact for x in found))


def _in_words(gold: str, answer: str) -> Match:
    a, b = _words(gold), _words(answer)
    if not a or not b:
        return Match(float(a == b), a == b)
    return Match(_f1((Counter(a) & Counter(b)).total(), len(a), len(b)), a == b)


@lru_cache(4096)
def _words(text: str) -> tuple[str, ...]:
    bare = text.lower().translate(_NO_PUNCTUATION)
    return tuple(_ARTICLES.sub(" ", bare).split())


def _in_characters(gold: str, answer: str) -> Match:
    a, b = _pieces(gold), _pieces(answer)
    return Match(_f1(_longest_common_run(a, b), len(a), len(b)), _bare(gold) == _bare(answer))


def _bare(text: str) -> str:
    return "".join(char for char in text.lower().strip() if char not in _MARKS)


@lru_cache(4096)
def _pieces(text: str) -> tuple[str, ...]:
    """Each Chinese character, and what stands between as words and marks."""
    return tuple(_PIECE.findall(_bare(text)))


def _longest_common_run(a: Sequence[str], b: Sequence[str]) -> int:
    """The most pieces that stand next to each other in both: CMRC's overlap."""
    best, before = 0, [0] * (len(b) + 1)
    for one in a:
        here = [0] * (len(b) + 1)
        for place, other in enumerate(b, start=1):
            if one == other:
                here[place] = before[place - 1] + 1
        best, before = max(best, max(here)), here
    return best


def _f1(shared: int, gold: int, answer: int) -> float:
    return 2 * shared / (gold + answer) if shared else 0.0
