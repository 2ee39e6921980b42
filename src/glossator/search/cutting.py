"""Texts as words that can be looked up: Chinese has no spaces around them, English has endings."""

from __future__ import annotations

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Sequence

__all__ = ["TOKENIZER", "Stemmer", "spaced", "words_of"]

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""How SQLite reads spaced text: letters and digits in lower case without accents, and English
words without their endings (Porter 1980, "An algorithm for suffix stripping")."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[^\W_]+")
_REMEMBERED = 100_000  # words


def spaced(text: str) -> str:
    """The text with spaces between the words of Chinese, and full-width letters as usual ones.

    A long word stands there with the shorter ones in it, so that 长江 finds 长江大桥.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\0", " ")
    return _HAN.sub(_cut, plain)


def words_of(text: str) -> list[str]:
    """The words of a text, each once, in the order in which they first stand there."""
    return list(dict.fromkeys(word.lower() for word in _WORD.findall(spaced(text))))


def _cut(run: re.Match[str]) -> str:
    import rjieba

    return f" {' '.join(rjieba.cut_for_search(run[0]))} "


class Stemmer:
    """What SQLite looks up for a word; asked of SQLite itself, so that there is one answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._memory.execute(f"create virtual table words using fts5(word, tokenize='{TOKENIZER}')")
        self._memory.execute("create virtual table terms using fts5vocab(words, instance)")

    def terms(self, words: Sequence[str]) -> list[str]:
        """What stands for each word; empty for one that nothing does."""
        with self._lock:
            new = [word for word in dict.fromkeys(words) if word not in self._known]
            if new:
                if len(self._known) > _REMEMBERED:
                    self._known = {}
                    new = list(dict.fromkeys(words))
                self._known |= dict.fromkeys(new, "")
                self._known |= {new[place]: term for place, term in self._asked(new)}
            return [self._known[word] for word in words]

    def _asked(self, words: Sequence[str]) -> list[tuple[int, str]]:
        self._memory.execute("begin")
        self._memory.executemany("insert into words(rowid, word) values (?, ?)", enumerate(words))
        found = self._memory.execute("select doc, term from terms").fetchall()
        self._memory.execute("rollback")
        return found
