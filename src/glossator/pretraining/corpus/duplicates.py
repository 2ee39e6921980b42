"""Documents that were there already, or nearly."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from glossator.pretraining.corpus.cleaning import Sentences

__all__ = ["ExactDuplicates", "NearDuplicates"]

_PERMUTATIONS, _RUN = 64, 5
_CHINESE = re.compile("[\u3400-\u9fff]")


class ExactDuplicates:
    """Drops a document that was there already, but for case and spaces; 16 bytes a document."""

    name = "duplicates"

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def __call__(self, sentences: Sentences) -> Sentences:
        text = "".join("".join(sentences).split()).casefold()
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest in self._seen:
            return ()
        self._seen.add(digest)
        return sentences


class NearDuplicates:
    """Drops a document that is near to one that was kept; some 500 bytes a document.

    Documents are sets of runs of five words (of Chinese: of five characters), sketched by 64
    minima; documents that share a band of the sketch are held against each other.

    Args:
        near: from which estimated share of common runs two documents are near.

    Source: Broder 1997, "On the resemblance and containment of documents"; the sketches are those
    of the library rensa.
    """

    name = "near duplicates"

    def __init__(self, near: float):
        import rensa

        self._near, self._make = near, rensa.RMinHash
        self._bands = rensa.RMinHashLSH(near, _PERMUTATIONS, _band_count(near))
        self._kept: list[Any] = []

    def __call__(self, sentences: Sentences) -> Sentences:
        sketch = self._make(_PERMUTATIONS, 0)
        sketch.update(_runs(" ".join(sentences)))
        for number in self._bands.query(sketch):
            if sketch.jaccard(self._kept[number]) >= self._near:
                return ()
        self._bands.insert(len(self._kept), sketch)
        self._kept.append(sketch)
        return sentences


def _band_count(near: float) -> int:
    """The fewest bands that find nine in ten pairs that are just near."""
    for bands in (4, 8, 16, 32):
        if 1 - (1 - near ** (_PERMUTATIONS // bands)) ** bands >= 0.9:
            return bands
    return 64


def _runs(text: str) -> list[str]:
    if len(_CHINESE.findall(text)) * 3 > len(text):
        return [text[i : i + _RUN] for i in range(max(1, len(text) - _RUN + 1))]
    words = text.split()
    return [" ".join(words[i : i + _RUN]) for i in range(max(1, len(words) - _RUN + 1))]
