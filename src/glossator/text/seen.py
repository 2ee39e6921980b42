"""What a preflight remembers of the rows it has seen: some hundred bytes a row, no texts."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from glossator.text.findings import Tally, excerpt
from glossator.text.records import Read, Record
from glossator.text.rows import Rejection

__all__ = ["Seen"]


class Seen:
    """The rows of one part of the data, seen once and in order.

    Args:
        name: `train`, `dev` or `test`.
        earlier: the parts seen before, whose texts must not come again.
        tell: a target in a few words.
    """

    def __init__(self, name: str, earlier: Sequence[Seen], *, tell: Callable[[Any], str]) -> None:
        self.name = name
        self.read = 0
        self.rejections: list[Rejection] = []
        self.duplicates = Tally()
        self.conflicts = Tally()
        self.undecoded = Tally()
        self.leaks: dict[str, Tally] = defaultdict(Tally)
        self._earlier = earlier
        self._tell = tell
        self._first: dict[int, int] = {}  # text digest -> the first row with it
        self._conflicting: set[int] = set()
        self._files: dict[str, int] = {}
        self._places = array("q")  # file and line of each used row, by turns
        self._target_of = array("q")  # hash of its target
        self._told: dict[int, str] = {}  # hash of a target -> the target in words

    @property
    def used(self) -> int:
        """How many rows can be used."""
        return len(self._target_of)

    def add(self, item: Read) -> None:
        """Take in the next row."""
        self.read += 1
        if isinstance(item, Rejection):
            self.rejections.append(item)
        else:
            self._use(item)

    def _use(self, record: Record) -> None:
        row, texts = record.row, record.texts
        index = len(self._target_of)
        self._places.append(self._files.setdefault(row.source, len(self._files)))
        self._places.append(row.line)
        self._target_of.append(self._remembered(record.target))
        digest = _digest((record.asked, *texts) if record.asked else texts)
        first = self._first.setdefault(digest, index)
        if first != index:
            self._repeat(digest, first, index, texts[0])
        for part in self._earlier:
            if digest in part._first:
                there, here = part._place(part._first[digest]), self._place(index)
                self.leaks[part.name].add("{} as {}: {}", here, there, excerpt(texts[0]))
        if any("\ufffd" in text for text in texts):
            self.undecoded.add("{}: {}", self._place(index), excerpt(texts[0]))

    def _remembered(self, target: Any) -> int:
        found = hash(target)
        if found not in self._told:
            self._told[found] = self._tell(target)
        return found

    def _repeat(self, digest: int, first: int, index: int, text: str) -> None:
        here, there = self._place(index), self._place(first)
        if self._target_of[first] == self._target_of[index]:
            self.duplicates.add("{} as {}: {}", here, there, excerpt(text))
        elif digest not in self._conflicting:
            self._conflicting.add(digest)
            one, other = (self._told[self._target_of[i]] for i in (first, index))
            pattern = "{} is {} in {} and {} in {}"
            self.conflicts.add(pattern, excerpt(text), one, there, other, here)

    def _place(self, index: int) -> str:
        file, line = self._places[2 * index : 2 * index + 2]
        return f"{list(self._files)[file]}:{line}"


def _digest(texts: Sequence[str]) -> int:
    """64 bits of the texts; two of a million share them with a chance of 1 in 37 million."""
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        data = text.encode("utf-8")
        digest.update(b"%d:%b" % (len(data), data))
    return int.from_bytes(digest.digest(), "big")
