"""Which rows share words with a query, and how much that says: BM25."""

from __future__ import annotations

from collections.abc import Sequence

from glossator.search.cutting import Stemmer, words_of
from glossator.search.filters import Condition
from glossator.search.store import Store

__all__ = ["WordSearch"]

# A word of more than this share of the rows brings in no row of its own, where a rarer one does:
# each row that it stands in would have to be scored for next to nothing. It counts in the scores.
_FREQUENT = 0.1
_FEW = 1000  # rows; so few are all scored
_MOST_WORDS = 64  # of a query, the rarest; a whole article may be one


class WordSearch:
    """Finds rows by words.

    Args:
        store: an open index.
    """

    def __init__(self, store: Store):
        self._store, self._stems = store, Stemmer()
        self._often: dict[str, int] = {}
        self._revision = -1

    def words(self, query: str, revision: int) -> list[str]:
        """The words of a query that stand in any row, in its order.

        Args:
            query: as it was typed.
            revision: of the index that is read.
        """
        if revision != self._revision or len(self._often) > 100_000:
            self._often, self._revision = {}, revision
        words = words_of(query)
        terms = self._stems.terms(words)
        found = {term: word for word, term in zip(words, terms, strict=True) if term}
        often = {word: self._count(term) for term, word in found.items()}
        there = [word for word, count in often.items() if count]
        rare = set(sorted(there, key=lambda word: often[word])[:_MOST_WORDS])
        return [word for word in there if word in rare]

    def find(
        self, words: Sequence[str], count: int, condition: Condition
    ) -> list[tuple[int, float]]:
        """Numbers of rows that share a word with a query and their scores, the best first.

        Args:
            words: of the query, see `words`.
            count: rows at most.
            condition: that they meet.

        Source: Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and
        beyond", with k1 = 1.2 and b = 0.75.
        """
        if not words:
            return []
        chosen = self._choosing(words)
        if len(chosen) == len(words):
            return self._scored(words, count, condition)
        likely = self._scored(chosen, 4 * count, condition)
        marks = ",".join("?" * len(likely))
        among = Condition(f"rows.number in ({marks})", tuple(number for number, _ in likely))
        return self._scored(words, count, among)

    def matched(self, words: Sequence[str], numbers: Sequence[int]) -> dict[int, list[str]]:
        """Which of the words stand in which of the rows, in the order of the words."""
        found: dict[int, list[str]] = {number: [] for number in numbers}
        marks = ",".join("?" * len(numbers))
        sql = f"select rowid from words where words match ? and rowid in ({marks})"
        for word in words:
            for (number,) in self._store.all(sql, (_quoted([word]), *numbers)):
                found[number].append(word)
        return found

    def _choosing(self, words: Sequence[str]) -> Sequence[str]:
        """The words whose rows are scored; at least the rarest."""
        total = self._store.count()
        if total <= _FEW:
            return words
        often = {
            word: self._count(term)
            for word, term in zip(words, self._stems.terms(words), strict=True)
        }
        rare = [word for word in words if often[word] <= _FREQUENT * total]
        return rare or [min(words, key=lambda word: often[word])]

    def _count(self, term: str) -> int:
        """How many rows hold a term."""
        if term not in self._often:
            found = self._store.one("select doc from terms where term = ?", (term,))
            self._often[term] = found[0] if found else 0
        return self._often[term]

    def _scored(
        self, words: Sequence[str], count: int, condition: Condition
    ) -> list[tuple[int, float]]:
        join = "join rows on rows.number = words.rowid" if condition else ""
        sql = (
            f"select words.rowid, -bm25(words) as score from words {join} "
            f"where words match ? and {condition.sql} order by score desc, words.rowid limit ?"
        )
        return self._store.all(sql, (_quoted(words), *condition.values, count))


def _quoted(words: Sequence[str]) -> str:
    """Any of some words, in the language of SQLite's search; none of them holds a quote."""
    return " OR ".join(f'"{word}"' for word in words)
