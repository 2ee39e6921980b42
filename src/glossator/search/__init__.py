"""Search: texts found by the words that they share, and by what they mean.

Importing this loads no torch; a model is opened when a query needs one.
"""

from __future__ import annotations

from glossator.search.building import add_rows, build_index, compact_index, remove_rows
from glossator.search.config import IndexConfig, SearchConfig
from glossator.search.hits import Hit, Window
from glossator.search.index import SearchIndex
from glossator.search.model import open_ranker

__all__ = [
    "Hit",
    "IndexConfig",
    "SearchConfig",
    "SearchIndex",
    "Window",
    "add_rows",
    "build_index",
    "compact_index",
    "open_index",
    "open_ranker",
    "remove_rows",
]

open_index = SearchIndex
