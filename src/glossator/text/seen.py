"""What a preflight remembers of the rows it has seen: some hundred bytes a row, no texts."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Sequence

from glossator.text.columns import LabelledText
from glossator.text.findings import Tally, excerpt, quoted
from glossator.text.rows import Rejection

__all__ = ["Seen", "is_blank"]

_BLANK = {"Cc", "Cf", "Zl", "Zp", "Zs"}  # control, format (zero width), separators


class Seen:
    """The rows of one part of the data, seen once and in order.

    Args:
        name: `train`, `dev` or `test`.
        earlier: the parts seen before, whose texts must not come again.
        labelled: whether rows have labels.
    """

    def __init__(self, name: str, earlier: Sequence[Seen], *, labelled: bool) -> None:
        self.name = name
        self.read = 0
        self.rejections: list[Rejection] = []
        self.rejected: set[int] = set()  # positions
        self.labels: dict[str, int] = {}  # with the number of rows
        self.duplicates = Tally()
        self.conflicts = Tally()
        self.undecoded = Tally()
        self.leaks: dict[str, Tally] = defaultdict(Tally)
        self._earlier = earlier
        self._labelled = labelled
        self._first: dict[int, int] = {}  # text digest -> the first row with it
        self._conflicting: set[int] = set()
        self._files: dict[str, int] = {}
        self._places = array("q")  # file and line of each used row, by turns
        self._label_of = array("q")
        self._label_ids: dict[str, int] = {}

    @property
    def used(self) -> int:
        """How many rows can be used."""
        return len(self._label_of)

    def add(self, item: LabelledText | Rejection) -> bool:
        """Take in the next row; false if it is rejected."""
        position = self.read
        self.read += 1
        rejection = item if isinstance(item, Rejection) else self._unusable(item)
        if rejection is not None:
            self.rejections.append(rejection)
            self.rejected.add(position)
        elif isinstance(item, LabelledText):
            self._use(item)
        return rejection is None

    def _unusable(self, item: LabelledText) -> Rejection | None:
        row = item.row
        if is_blank(item.text):
            message = "the text is empty"
            return Rejection(row.source, row.line, "empty_text", message, row.values)
        if self._labelled and is_blank(item.label):
            message = "the label is empty"
            return Rejection(row.source, row.line, "empty_label", message, row.values)
        return None

    def _use(self, item: LabelledText) -> None:
        row, text, label = item
        index = len(self._label_of)
        self._places.append(self._files.setdefault(row.source, len(self._files)))
        self._places.append(row.line)
        self._label_of.append(self._label_ids.setdefault(label, len(self._label_ids)))
        self.labels[label] = self.labels.get(label, 0) + 1
        digest = _digest(text)
        first = self._first.setdefault(digest, index)
        if first != index:
            self._repeat(digest, first, index, text)
        for part in self._earlier:
            if digest in part._first:
                there = part._place(part._first[digest])
                self.leaks[part.name].add("{} as {}: {}", self._place(index), there, excerpt(text))
        if "\ufffd" in text:
            self.undecoded.add("{}: {}", self._place(index), excerpt(text))

    def _repeat(self, digest: int, first: int, index: int, text: str) -> None:
        here, there = self._place(index), self._place(first)
        if self._label_of[first] == self._label_of[index]:
            self.duplicates.add("{} as {}: {}", here, there, excerpt(text))
        elif digest not in self._conflicting:
            self._conflicting.add(digest)
            names = list(self._label_ids)
            one, other = names[self._label_of[first]], names[self._label_of[index]]
            pattern = "{} is {} in {} and {} in {}"
            self.conflicts.add(pattern, excerpt(text), quoted(one), there, quoted(other), here)

    def _place(self, index: int) -> str:
        file, line = self._places[2 * index : 2 * index + 2]
        return f"{list(self._files)[file]}:{line}"


def is_blank(text: str) -> bool:
    """Whether `text` shows nothing: only spaces, controls and characters of zero width."""
    return all(unicodedata.category(char) in _BLANK for char in text)


def _digest(text: str) -> int:
    """64 bits of the text; two of a million texts share them with a chance of 1 in 37 million."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")
