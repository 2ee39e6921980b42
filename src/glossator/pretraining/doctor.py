"""Looks at a run while it can still be saved, and says what is wrong with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from glossator.training.events import Evaluated, Event, Stepped

__all__ = ["Doctor", "corpus_complaints"]

# Steps over which losses are averaged: one batch says little. The first few are how it began.
_RECENT, _FIRST = 50, 10
# A mean that is so much above the lowest such mean does not come from the batches.
_RISEN = 1.15
# Steps after which a model that knows no more than how often words occur is stuck.
_PATIENCE = 400
_STUCK = 0.98

# Tokens a byte: of text that a vocabulary was made for 0.2 to 0.33 in English and Chinese alike,
# where words mean little; 1 where nothing is left but bytes.
_MANY_PIECES = 0.45
_MANY_UNKNOWN, _MANY_REPEATS, _MANY_LINES, _MANY_UNUSED = 0.01, 0.3, 0.2, 0.5


class Doctor:
    """Listens to a run, and tells each complaint once.

    Args:
        baseline: loss of a guess that knows how often tokens occur.
        tell: is given a sentence with what to do.
    """

    def __init__(self, baseline: float, tell: Callable[[str], None]):
        self._baseline, self._tell = baseline, tell
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._lowest = float("inf")
        self._told: set[str] = set()

    def listen(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, Stepped):
            self._stepped(event)
        elif isinstance(event, Evaluated) and event.step >= _PATIENCE:
            loss = float(event.scores["loss"])
            if loss > _STUCK * self._baseline:
                self._say(
                    "stuck",
                    f"after {event.step:,} steps the loss, {loss:.2f}, is that of a guess by how "
                    f"often tokens occur, {self._baseline:.2f}: nothing of the context is learned "
                    "yet. Another --learning-rate, or larger batches (--batch-size), may help",
                )

    def _stepped(self, event: Stepped) -> None:
        self._recent.append(event.loss)
        if len(self._recent) == _FIRST:
            self._lowest = min(self._lowest, sum(self._recent) / _FIRST)
        if len(self._recent) < _RECENT:
            return
        mean = sum(self._recent) / _RECENT
        self._lowest = min(self._lowest, mean)
        if mean > _RISEN * self._lowest:
            self._say(
                "rising",
                f"the loss has risen from {self._lowest:.2f} to {mean:.2f} by step {event.step:,}: "
                f"the learning rate, {event.rate:.1e} now, is too high",
            )

    def _say(self, kind: str, sentence: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._tell(sentence)


def corpus_complaints(statistics: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a corpus and its tokenizer; see `corpus.statistics`."""
    tokens, read = statistics["tokens"], max(1, statistics["read"]["documents"])
    gone = sum(s["documents"] for s in statistics["steps"] if "duplicates" in s["step"])
    if gone > _MANY_REPEATS * read:
        yield f"{gone / read:.0%} of the documents were there already, or nearly, and were dropped"
    # A run that an earlier version began has not counted these.
    repeats = statistics.get("repeats", {"share": 0.0})
    if repeats["share"] > _MANY_LINES:
        first = repeats["examples"][0]
        yield (
            f"{repeats['share']:.0%} of the lines stood there before, such as {first['line']} "
            f"({first['times']:,} times), and will be learned by heart; --boilerplate N drops a "
            "line that N documents had"
        )
    if tokens.get("tokens_per_byte", 0.0) > _MANY_PIECES:
        yield (
            f"the vocabulary breaks the text into pieces of {1 / tokens['tokens_per_byte']:.1f} "
            f"bytes ({tokens['tokens_per_word']:.1f} a word): it was trained on other text; "
            "`glossator tokenizer` trains one on this"
        )
    if tokens["unknown_share"] > _MANY_UNKNOWN:
        yield (
            f"{tokens['unknown_share']:.1%} of the tokens are unknown to the vocabulary, and "
            "nothing can be learned of them; `glossator tokenizer` trains one on this text"
        )
    if tokens["unused"] > _MANY_UNUSED * tokens["vocabulary"]:
        yield (
            f"{tokens['unused']:,} of {tokens['vocabulary']:,} pieces of the vocabulary never "
            "occur; a smaller one trains faster"
        )
