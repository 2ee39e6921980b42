"""An open index: found by words, by vectors, by both, and put in order anew by a ranker."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glossator.errors import ConfigError, InputError, SearchIndexError
from glossator.models.config import RuntimeConfig
from glossator.search.config import By, SearchConfig
from glossator.search.filters import conditions
from glossator.search.fusion import joined_ranks
from glossator.search.hits import Hit, Window
from glossator.search.model import Model, model_of, short_version
from glossator.search.store import FILE, Settings, Store, VectorSettings
from glossator.search.vector_file import Vectors
from glossator.search.vector_search import Found, VectorSearch
from glossator.search.word_search import WordSearch
from glossator.text.columns import is_blank, select
from glossator.text.rows import Row

if TYPE_CHECKING:
    from glossator.artifact.predictor import Predictor

__all__ = ["SearchIndex"]

_TRIES = 5  # while others write the vectors anew


class SearchIndex:
    """A search index, open for reading; a context manager.

    It sees what others write as soon as they are done, also an index that was made anew in its
    place (`--overwrite`). Several threads may ask it.

    Args:
        folder: of the index.
        model: a starter name or a model folder, where its own is no longer where it was.
        runtime: where the model runs.

    Raises:
        SearchIndexError: there is no such index, or it is damaged or of a newer format.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        model: str | Path | None = None,
        runtime: RuntimeConfig | None = None,
    ):
        self.folder, self._runtime = Path(folder), runtime or RuntimeConfig()
        self._named = model
        self._opened: Model | None = None
        self._lock = threading.RLock()
        self._open()
        self._at_first = self._store.settings().vectors

    def _open(self) -> None:
        """Open what the folder holds now."""
        file, store = _identity(self.folder), Store.open(self.folder)
        self._file, self._store = file, store
        self._words = WordSearch(self._store)
        self._vectors: VectorSearch | None = None
        self._revision = -1

    def __enter__(self) -> SearchIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many rows there are."""
        with self._lock:
            self._keep_open()
            return self._store.count()

    def close(self) -> None:
        """Let go of its files."""
        self._vectors = None
        self._store.close()

    @property
    def settings(self) -> Settings:
        """What the index says of itself."""
        with self._lock:
            self._keep_open()
            return self._store.settings()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how it is searched."""
        return (self._vectors.note,) if self._vectors and self._vectors.note else ()

    @property
    def model(self) -> Model:
        """The model that made its vectors, opened when it is first asked for.

        Raises:
            ModelFolderError: it is not where it was.
            SearchIndexError: it is another one, or the index has no vectors, or was made anew with
                another model.
        """
        with self._lock:
            settings = self.settings
            self._refuse_other(settings)
            if settings.vectors is None:
                raise SearchIndexError(f"{self.folder} indexes words alone, and has no vectors")
            if self._opened is None:
                self._opened = model_of(self.folder, settings.vectors, self._named, self._runtime)
            return self._opened

    def search(
        self,
        queries: Sequence[str],
        config: SearchConfig | None = None,
        *,
        ranker: Predictor | None = None,
        **options: Any,
    ) -> list[list[Hit]]:
        """The hits of N queries, the best first; none for one that nothing answers.

        Args:
            queries: N texts, none of which is empty.
            config: how they are searched.
            ranker: a model that puts the first candidates in order anew, see `open_ranker`.
            **options: fields of `config` that are otherwise: `top_k=3`.

        Raises:
            InputError: `queries` is a single text, or one is empty.
            ConfigError: an option is wrong, or vectors are asked for that the index lacks.
            ColumnError: a condition names a column that is not there.
            SearchIndexError: the index was made anew with another model, or is damaged.
        """
        how = SearchConfig(**(vars(config or SearchConfig()) | options))
        _refuse(queries)
        by = self._way(how.by)
        vectors = None if by == "words" else self.model.queries(queries)
        return self.search_vectors(queries, vectors, how, ranker=ranker)

    def search_vectors(
        self,
        queries: Sequence[str],
        vectors: Vectors | None,
        config: SearchConfig,
        *,
        ranker: Predictor | None = None,
    ) -> list[list[Hit]]:
        """As `search`, of N queries whose (N, width) vectors are known; None: by words."""
        for attempt in range(_TRIES):
            with self._lock:
                by = self._way(config.by)
                with self._store.reading():
                    try:
                        settings = self._followed()
                    except SearchIndexError:
                        if attempt + 1 < _TRIES:  # a file that was replaced between two looks
                            continue
                        raise
                    return _Asking(self, settings, by, config, vectors).hits(queries, ranker)
        raise AssertionError

    def _way(self, by: By | None) -> By:
        settings = self.settings
        if by != "words":
            self._refuse_other(settings)
        vectors = settings.vectors
        if vectors is None and by in ("vectors", "both"):
            raise ConfigError(f"{self.folder} indexes words alone; --by words searches it")
        return by or ("words" if vectors is None else "both")

    def _followed(self) -> Settings:
        """What the index says now; its vectors are mapped anew where that has changed."""
        settings = self._store.settings()
        if settings.revision != self._revision:
            self._vectors = None
            if settings.vectors is not None:
                self._vectors = VectorSearch(self._store, settings.vectors)
                if self._is_replaced():  # then the vectors may be those of the new one
                    raise SearchIndexError("is being made anew", file=self.folder)
            self._revision = settings.revision
        return settings

    def _keep_open(self) -> None:
        """Open the folder again where an index that was made anew has taken its place."""
        if self._is_replaced():
            old = self._store
            self._open()
            old.close()

    def _is_replaced(self) -> bool:
        """Whether another file stands where the open one was; while none does, that one holds."""
        return _identity(self.folder) not in (None, self._file)

    def _refuse_other(self, settings: Settings) -> None:
        """Vectors of another model than at first would be held against queries of this one."""
        now, was = (each and each.version for each in (settings.vectors, self._at_first))
        if now != was:
            raise SearchIndexError(
                f"{self.folder} was made anew with {_model_in(settings.vectors)}, and was opened "
                f"with {_model_in(self._at_first)}; open it again, or search --by words"
            )


class _Asking:
    """Queries that are asked of one state of an index."""

    def __init__(
        self,
        index: SearchIndex,
        settings: Settings,
        by: By,
        config: SearchConfig,
        vectors: Vectors | None,
    ):
        self._settings, self._by, self._config, self._queries = settings, by, config, vectors
        self._store, self._words, self._vectors = index._store, index._words, index._vectors
        self._threads = index._runtime.threads
        self._condition = conditions(config.where, settings.columns, str(index.folder))

    def hits(self, queries: Sequence[str], ranker: Predictor | None) -> list[list[Hit]]:
        """The hits of each query."""
        config = self._config
        wide = ranker is not None or self._by == "both"
        count = max(config.candidates, config.top_k) if wide else config.top_k
        words = [self._words.words(query, self._settings.revision) for query in queries]
        orders: list[list[Found]] = [[] for _ in queries]
        if self._by != "vectors":
            for order, said in zip(orders, words, strict=True):
                order.append(self._words.find(said, count, self._condition))
        if self._by != "words" and self._vectors is not None and self._queries is not None:
            near = self._vectors.find(
                self._queries, count, self._condition, exact=config.exact, threads=self._threads
            )
            for order, found in zip(orders, near, strict=True):
                order.append(found)
        rows = [self._joined(order)[:count] for order in orders]
        if ranker is not None:
            rows = self._reranked(queries, [x[: config.candidates] for x in rows], ranker)
        return [
            self._told(number, words[number], found[: config.top_k])
            for number, found in enumerate(rows)
        ]

    def _joined(self, orders: Sequence[Found]) -> Found:
        if self._by != "both":
            return orders[0]
        return joined_ranks([[number for number, _ in order] for order in orders])

    def _reranked(
        self, queries: Sequence[str], rows: Sequence[Found], ranker: Predictor
    ) -> list[Found]:
        task: Any = ranker.task
        numbers = [[number for number, _ in found] for found in rows]
        values = self._store.rows(list({x: None for part in numbers for x in part}))
        pairs = [
            (query, self._text(values[number][1]))
            for query, part in zip(queries, numbers, strict=True)
            for number in part
        ]
        scores = iter(task.relevance(ranker.answers(pairs).raw).tolist() if pairs else [])
        found = [[(number, next(scores)) for number in part] for part in numbers]
        # Sorting keeps the order that they had where a ranker cannot tell two apart.
        return [sorted(part, key=lambda pair: -pair[1]) for part in found]

    def _told(self, query: int, words: Sequence[str], found: Found) -> list[Hit]:
        numbers = [number for number, _ in found]
        values = self._store.rows(numbers)
        matched = self._words.matched(words, numbers)
        windows: dict[int, Window] = {}
        vectors = self._settings.vectors
        if self._vectors and self._queries is not None and vectors and vectors.kept == "windows":
            for number, (start, end) in self._vectors.places(self._queries[query], numbers).items():
                text = self._text(values[number][1])[start:end]
                windows[number] = Window(start, end, text)
        return [
            Hit(
                rank=rank,
                id=values[number][0],
                score=score,
                row=values[number][1],
                words=tuple(matched[number]),
                window=windows.get(number),
            )
            for rank, (number, score) in enumerate(found, start=1)
        ]

    def _text(self, values: Mapping[str, Any]) -> str:
        return str(select(Row("index", 0, dict(values)), self._settings.text))


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells the file of an index from one that takes its name; None: there is none just now.

    The number of a file that is open is given to no other.
    """
    try:
        found = os.stat(folder / FILE)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _model_in(vectors: VectorSettings | None) -> str:
    if vectors is None:
        return "words alone"
    return f"{vectors.model} ({short_version(vectors.version)})"


def _refuse(queries: Sequence[str]) -> None:
    if isinstance(queries, str):
        raise InputError("expected a list of queries, got a single string; put it in a list")
    for number, query in enumerate(queries):
        if is_blank(query):
            raise InputError(f"query {number} is {query!r:.60}; expected a text")
